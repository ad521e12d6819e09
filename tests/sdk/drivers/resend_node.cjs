// Drives resend as a client of OpenSend; it tells of a refusal by what it returns.
"use strict";

const { Resend } = require("resend");
const { Failed, serve, setVariable } = require("./lines.cjs");

function connect({ url, key, code = `RESEND_BASE_URL=${url}` }) {
  setVariable(code); // read whenever a client is made
  return new Resend(key ?? undefined);
}

serve("resend", {
  async trigger(asked) {
    const { contact_id: contactId, ...event } = asked.request;
    const { idempotencyKey, headers, timeout } = asked;
    const signal = timeout ? AbortSignal.timeout(timeout * 1000) : undefined;
    const { data, error } = await connect(asked).events.send({ contactId, ...event }, { idempotencyKey, headers, signal });
    return error ? new Failed({ data, error }) : { data, error };
  },
});
