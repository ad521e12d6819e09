// The four APIs, called as a page calls any API: fetch, and nothing else.

async function post(url, headers, body, more = {}) {
  const { headers: other = {}, ...options } = more;
  const sent = Object.entries({ "Content-Type": "application/json", ...headers, ...other });
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: sent.filter(([, value]) => value !== null),
      body: JSON.stringify(body),
      ...options,
    });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
  } catch (error) {
    return { failed: error.name };
  }
}

const bearer = { Authorization: "Bearer any" };
const event = { distinct_id: "ada", event: "welcome", properties: {} };
const run = { event: "welcome", userId: "ada", data: {} };
const sent = { event: "welcome", email: "ada@example.com" };

export const novu = (base, more) =>
  post(`${base}/v1/events/trigger`, { Authorization: "ApiKey any" }, { name: "welcome", to: ["ada"] }, more);
export const suprsend = (base, more) => post(`${base}/event/`, bearer, event, more);
export const suprsendV2 = (base, more) => post(`${base}/v2/event/`, bearer, event, more);
export const alloy = (base, more) => post(`${base}/run/event`, { ...bearer, "x-api-version": "2025-09" }, run, more);
export const alloyDated = (base, more) => post(`${base}/2024-03/run/event`, bearer, run, more);
export const opensend = (base, more) => post(`${base}/events/send`, bearer, sent, more);
export const opensendBelow = (base, more) => post(`${base}/api/events/send`, bearer, sent, more);
export const nowhere = (base, more) => post(`${base}/nowhere`, bearer, {}, more);
