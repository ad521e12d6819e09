// Drives alloy-node, whose host is fixed in its code.
//
// Its axios asks a proxy that the environment names for the whole URL, and speaks to one at http:// without TLS whatever
// the URL is. So a variable alone brings its calls here.
"use strict";

const Alloy = require("alloy-node");
const axios = require("axios");
const { serve, setVariable, unsupported } = require("./lines.cjs");

function connect({ url, key, code = `HTTPS_PROXY=${url}`, request, idempotencyKey, headers, timeout }) {
  if (idempotencyKey) unsupported("takes no idempotency key");
  if (headers) unsupported("takes no headers");
  if (timeout) unsupported("takes no timeout");
  if (/\/./.test(new URL(url).pathname)) unsupported("its host is fixed in code, and a proxy has no path");
  setVariable(code); // read with every call
  const alloy = new Alloy(key ?? undefined);
  alloy.userId = request.userId ?? null; // what `identify` finds out for a name
  return alloy;
}

serve("alloy-node", {
  facts: () => ({ timeoutSeconds: axios.defaults.timeout ? axios.defaults.timeout / 1000 : null }), // it sets none itself
  trigger: (asked) => connect(asked).event(asked.request.event, asked.request.data),
  async identify(asked) {
    const alloy = connect(asked);
    await alloy.identify(asked.request.username);
    return { username: alloy.username, userId: alloy.userId };
  },
});
