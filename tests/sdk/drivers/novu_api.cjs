// Drives @novu/api, Novu's generated SDK.
"use strict";

const { Novu } = require("@novu/api");
const { SDKHooks } = require("@novu/api/hooks/hooks.js");
const { HTTPClient } = require("@novu/api/lib/http.js");
const { serve } = require("./lines.cjs");

const PLAIN = { workflowId: "welcome", to: "ada" };

function connect({ url, code, key, retries = true, unchecked, request }) {
  if (code) return eval(code);
  return new Novu({
    serverURL: url,
    ...(key === null ? {} : { secretKey: key }),
    ...(retries ? {} : { retryConfig: { strategy: "none" } }),
    ...(unchecked ? { httpClient: sending(request) } : {}),
  });
}

// What the SDK's models would not let through takes the place of what they did.
function sending(body) {
  return new HTTPClient().addHook("beforeRequest", (request) => new Request(request, { body: JSON.stringify(body) }));
}

const options = ({ headers, timeout }) => ({ ...(headers ? { headers } : {}), ...(timeout ? { timeoutMs: timeout * 1000 } : {}) });
const event = ({ name, ...others }) => ({ workflowId: name, ...others });

// What the SDK would do about a refusal, from the configuration that it makes for a call.
async function facts() {
  const found = {};
  const hooks = new SDKHooks();
  hooks.registerBeforeCreateRequestHook({
    beforeCreateRequest(context) {
      Object.assign(found, context);
      throw new Error("not to be sent");
    },
  });
  await new Novu({ hooks, secretKey: "any" }).trigger(PLAIN).catch(() => {});
  return {
    retries: found.retryCodes,
    retriesForSeconds: found.retryConfig.backoff.maxElapsedTime / 1000,
    timeoutSeconds: found.timeoutMs === undefined ? null : found.timeoutMs / 1000,
  };
}

serve("@novu/api", {
  facts,
  async trigger(asked) {
    const request = asked.unchecked ? PLAIN : event(asked.request);
    return (await connect(asked).trigger(request, asked.idempotencyKey, options(asked))).result;
  },
  async bulk(asked) {
    const events = asked.unchecked ? [PLAIN] : asked.request.events.map(event);
    return (await connect(asked).triggerBulk({ events }, asked.idempotencyKey, options(asked))).result;
  },
  async broadcast(asked) {
    return (await connect(asked).triggerBroadcast(asked.request, asked.idempotencyKey, options(asked))).result;
  },
  async cancel(asked) {
    return (await connect(asked).cancel(asked.request.transactionId, asked.idempotencyKey, options(asked))).result;
  },
});
