// What the scripts of the two npm clients share: running a scenario, telling its steps, and calling the data plane.
"use strict";

const EVENT = { distinct_id: "u1", event: "x" };

// Node has no word for a broken answer but the message of its cause.
async function send(url, method = "GET", { headers = {}, body } = {}) {
  const before = performance.now();
  const took = () => Math.round(performance.now() - before);
  try {
    const answer = await fetch(url, { method, headers, body: typeof body === "object" ? JSON.stringify(body) : body });
    const shown = ["content-type", "retry-after", "x-kind", "matched-stub-id", "matched-stub-name"];
    const told = Object.fromEntries(shown.filter((name) => answer.headers.has(name)).map((name) => [name, answer.headers.get(name)]));
    return { status: answer.status, headers: told, body: await answer.text(), took: took() };
  } catch (error) {
    return { error: error.name, took: took() };
  }
}

function sendEvent(url, user = "u1", path = "/event/") {
  const headers = { Authorization: "Bearer k", "Content-Type": "application/json" };
  return send(`${url}${path}`, "POST", { headers, body: { ...EVENT, distinct_id: user } });
}

// Name the methods of an object, those of its class and those that the class inherits.
function methodsOf(object) {
  const names = new Set();
  for (let proto = Object.getPrototypeOf(object); proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const name of Object.getOwnPropertyNames(proto)) if (name !== "constructor") names.add(name);
  }
  return [...names];
}

async function run(scenarios) {
  const [url, scenario] = process.argv.slice(2);
  for await (const [call, got] of scenarios[scenario](url)) {
    // What is undefined, as the answer of a method without one, is null in JSON.
    process.stdout.write(`${JSON.stringify({ call, got: got === undefined ? null : got })}\n`);
  }
}

module.exports = { methodsOf, run, send, sendEvent };
