// Drives @novu/node, Novu's older SDK, which hands on the answers of axios.
"use strict";

const { Novu } = require("@novu/node");
const { defaultRetryCondition } = require("@novu/node/build/main/lib/retry.js");
const { serve, unsupported } = require("./lines.cjs");

const RETRIES = { retryMax: 1 };

function connect({ url, code, key, retries = false, idempotencyKey, headers, timeout }) {
  if (code) return eval(code);
  if (idempotencyKey) unsupported("takes no idempotency key");
  if (headers) unsupported("takes no headers");
  if (timeout) unsupported("takes no timeout");
  return new Novu(key, { backendUrl: url, ...(retries ? { retryConfig: RETRIES } : {}) });
}

const told = ({ status, data }) => ({ status, data });
const isRetried = (status) => defaultRetryCondition({ response: { status } });
const statuses = (from) => Array.from({ length: 100 }, (_, each) => from + each);

// What the SDK would do about a refusal, by its own condition for coming again.
function facts({ retries = false }) {
  const { timeout } = connect({ key: "any", url: "http://127.0.0.1", retries }).http.defaults;
  const timeoutSeconds = timeout ? timeout / 1000 : null;
  if (!retries) return { retries: [], timeoutSeconds };
  const retried = [...statuses(400).filter(isRetried).map(String), ...(statuses(500).every(isRetried) ? ["5XX"] : [])];
  return { retries: retried, retriesTimes: RETRIES.retryMax, timeoutSeconds };
}

serve("@novu/node", {
  facts,
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
