// Does what a line of /etc/hosts and port 443 would do, without the rights that these need: HOST:443 is at 127.0.0.1:PORT.
// `node --require` loads it before the program. The check of the certificate, and all else, is as it is without it.
"use strict";
const net = require("node:net");

const { HOST, PORT } = process.env;
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  const [options, ...rest] = Array.isArray(given[0]) ? given[0] : given;
  const isMeant = options.host === HOST && Number(options.port) === 443;
  if (!isMeant) {
    return connect.apply(this, given);
  }
  return connect.call(this, { ...options, host: "127.0.0.1", port: Number(PORT) }, ...rest.filter((each) => each));
};
