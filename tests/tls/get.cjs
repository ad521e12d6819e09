// Asks for a URL with Node's own clients, and prints what each sees: a status, or the code of an error.
"use strict";
const https = require("node:https");

const url = process.argv[2];
const withFetch = () => fetch(url).then((answer) => answer.status, (error) => error.cause.code);
const withHttps = () =>
  new Promise((done) => {
    https.get(url, { agent: false }, (answer) => done(answer.resume().statusCode)).on("error", (error) => done(error.code));
  });

(async () => console.log(JSON.stringify([await withFetch(), await withHttps()])))();
