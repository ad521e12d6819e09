// Drives alloy-node, whose host is fixed in its code.
//
// Its axios asks a proxy that the environment names for the whole URL, and speaks to one at http:// without TLS whatever
// the URL is. So a variable alone brings its calls here; `redirected` says that its host is the server here by name.
"use strict";

const Alloy = require("alloy-node");
const axios = require("axios");
const { serve, setVariable, unsupported } = require("./lines.cjs");

function connect({ url, key, code, redirected = false, request, idempotencyKey, headers, timeout }) {
  if (idempotencyKey) unsupported("takes no idempotency key");
  if (headers) unsupported("takes no headers");
  if (timeout) unsupported("takes no timeout");
  if (/\/./.test(new URL(url).pathname)) unsupported("its host is fixed in code, which leaves no place for a path");
  if (redirected && code) unsupported("is not pointed here by code, but by name");
  // Each is read with every call.
  if (redirected) process.env.PORT = new URL(url).port;
  else setVariable(code ?? `HTTPS_PROXY=${url}`);
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
