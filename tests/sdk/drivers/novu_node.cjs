// Drives @novu/node, Novu's older SDK, which hands on the answers of axios.
"use strict";

const { Novu } = require("@novu/node");
const { serve, unsupported } = require("./lines.cjs");

function connect({ url, code, key, idempotencyKey, headers, timeout }) {
  if (code) return eval(code);
  if (idempotencyKey) unsupported("takes no idempotency key");
  if (headers) unsupported("takes no headers");
  if (timeout) unsupported("takes no timeout");
  return new Novu(key, { backendUrl: url });
}

const told = ({ status, data }) => ({ status, data });

serve("@novu/node", {
  async trigger(asked) {
    const { name, ...event } = asked.request;
    return told(await connect(asked).trigger(name, event));
  },
  async bulk(asked) {
    return told(await connect(asked).bulkTrigger(asked.request.events));
  },
  async broadcast(asked) {
    const { name, ...event } = asked.request;
    return told(await connect(asked).broadcast(name, event));
  },
  async cancel(asked) {
    return told(await connect(asked).events.cancel(asked.request.transactionId));
  },
});
