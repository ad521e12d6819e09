// Drives @suprsend/node-sdk, which tells of a refusal by what it returns.
"use strict";

const { Event, Suprsend } = require("@suprsend/node-sdk");
const axios = require("axios");
const { Failed, serve, unsupported } = require("./lines.cjs");

// One that the SDK does not look at before it sends it.
class Unchecked extends Event {
  get_final_json() {
    return [this.as_json(), 0];
  }
}

function connect({ url, code, key, secret = "any-secret", idempotencyKey, headers, timeout }) {
  if (code) return eval(code);
  if (idempotencyKey) unsupported("takes no header for a key");
  if (headers) unsupported("takes no headers");
  if (timeout) unsupported("takes no timeout");
  if (secret === null) unsupported("knows no API keys");
  return new Suprsend(key, secret, { base_url: url });
}

function event({ event: name, distinct_id, properties, idempotency_key, attachments = [] }, unchecked = false) {
  const made = new (unchecked ? Unchecked : Event)(distinct_id, name, properties, { idempotency_key });
  for (const url of attachments) made.add_attachment(url);
  return made;
}

const told = (result) => (result.status === "success" ? result : new Failed(result));

serve("@suprsend/node-sdk", {
  facts: () => ({ timeoutSeconds: axios.defaults.timeout ? axios.defaults.timeout / 1000 : null }), // it sets none itself
  async trigger(asked) {
    return told(await connect(asked).track_event(event(asked.request, asked.unchecked)));
  },
  async bulk(asked) {
    const bulk = connect(asked).bulk_events.new_instance();
    bulk.append(...asked.request.events.map((each) => event(each, asked.unchecked)));
    return told(await bulk.trigger());
  },
});
