// Drives a server with the real wiremock-rest-client, and prints one JSON object per call: what it gave back.
//
// Run by tests/test_wiremock_clients.py as `node rest_client.cjs URL SCENARIO`, in a folder of its own. By default
// the client ends the process on every answer of 400 and more, so a scenario that comes to its end met none; what
// is to be refused is asked for by a client that goes on.
"use strict";

const { mkdirSync, writeFileSync } = require("node:fs");
const { WireMockRestClient } = require("wiremock-rest-client");
const { methodsOf, run, send, sendEvent } = require("./steps.cjs");

const NOBODY = "00000000-0000-4000-8000-000000000000";
const QUIET = { logLevel: "error" }; // what it tells of others goes to standard output

const connect = (url) => new WireMockRestClient(url, QUIET);
const connectToGoOn = (url) => new WireMockRestClient(url, { ...QUIET, continueOnFailure: true });
const stub = (path, more = {}) => ({
  request: { method: "GET", url: path }, response: { status: 200, body: path }, ...more,
});
const byTeam = (team) => ({ matchesJsonPath: { expression: "$.team", equalTo: team } });

async function* mappings(url) {
  const { mappings: client } = connect(url);
  const made = await client.createMapping(stub("/shop/one", { name: "one", priority: 2, metadata: { team: "a" } }));
  yield ["mappings.createMapping", made];
  yield ["GET /shop/one", await send(`${url}/shop/one`)];
  yield ["mappings.getMapping", await client.getMapping(made.id)];
  const changed = { ...made, response: { status: 429, jsonBody: { message: "slow down" }, headers: { "Retry-After": "1" } } };
  yield ["mappings.updateMapping", await client.updateMapping(made.id, changed)];
  yield ["GET /shop/one", await send(`${url}/shop/one`)];
  const second = await client.createMapping(stub("/shop/two", { metadata: { team: "b" } }));
  yield ["mappings.getAllMappings", await client.getAllMappings()];
  yield ["mappings.findByMetaData", await client.findByMetaData(byTeam("b"))];
  yield ["mappings.findByMetaData", await client.findByMetaData({ matchesJsonPath: "$.team" })];
  yield ["mappings.saveAllMappings", await client.saveAllMappings()];
  yield ["mappings.removeByMetaData", await client.removeByMetaData(byTeam("a"))];
  yield ["GET /shop/one", await send(`${url}/shop/one`)];
  yield ["mappings.deleteMapping", await client.deleteMapping(second.id)];
  yield ["GET /shop/two", await send(`${url}/shop/two`)];
  yield ["mappings.getAllMappings", await client.getAllMappings()];
  yield ["mappings.getMapping", await connectToGoOn(url).mappings.getMapping(second.id)];
  await client.createMapping(stub("/shop/three"));
  yield ["mappings.deleteAllMappings", await client.deleteAllMappings()];
  yield ["mappings.getAllMappings", await client.getAllMappings()];
  await client.createMapping(stub("/shop/four"));
  yield ["mappings.resetAllMappings", await client.resetAllMappings()];
  yield ["mappings.getAllMappings", await client.getAllMappings()];
  yield ["POST /event/", await sendEvent(url)];
}

async function* files(url) {
  const { mappings: client } = connect(url);
  mkdirSync("stubs/deeper", { recursive: true });
  writeFileSync("stubs/one.json", JSON.stringify(stub("/shop/file-one")));
  writeFileSync("stubs/deeper/two.json5", "{request: {method: 'GET', url: '/shop/file-two'}, response: {status: 204}}");
  yield ["mappings.createMappingFromFile", await client.createMappingFromFile("stubs/one.json")];
  yield ["GET /shop/file-one", await send(`${url}/shop/file-one`)];
  const made = await Promise.all(await client.createMappingsFromDir("stubs"));
  yield ["mappings.createMappingsFromDir", made.map((each) => each.request.url).sort()];
  yield ["GET /shop/file-two", await send(`${url}/shop/file-two`)];
  yield ["mappings.getAllMappings", (await client.getAllMappings()).meta];
}

async function* requests(url) {
  const { requests: client, mappings: stubs } = connect(url);
  await stubs.createMapping(stub("/shop/seen", { metadata: { team: "a" } }));
  for (const user of ["u1", "u2", "u3"]) yield ["POST /event/", await sendEvent(url, user)];
  yield ["GET /shop/seen", await send(`${url}/shop/seen`)];
  yield ["GET /nowhere", await send(`${url}/nowhere?x=1`)];
  const all = await client.getAllRequests();
  yield ["requests.getAllRequests", all];
  yield ["requests.getRequest", await client.getRequest(all.requests[2].id)];
  const u2 = {
    method: "POST", urlPath: "/event/",
    bodyPatterns: [{ matchesJsonPath: { expression: "$.distinct_id", equalTo: "u2" } }, { contains: "event" }],
  };
  yield ["requests.getCount", await client.getCount(u2)];
  yield ["requests.getCount", await client.getCount({})];
  yield ["requests.getCount", await client.getCount({ urlPathPattern: "/now.*", queryParameters: { x: { matches: "[0-9]" } } })];
  yield ["requests.getCount", await connectToGoOn(url).requests.getCount({ bodyPatterns: [{ foo: 1 }] })];
  yield ["requests.findRequests", await client.findRequests(u2)];
  yield ["requests.getUnmatchedRequests", await client.getUnmatchedRequests()];
  yield ["requests.removeRequestsByMetadata", await client.removeRequestsByMetadata(byTeam("a"))];
  yield ["requests.removeRequests", await client.removeRequests(u2)];
  yield ["requests.getCount", await client.getCount({})];
  yield ["requests.deleteRequest", await client.deleteRequest(all.requests[2].id)];
  yield ["requests.getRequest", await connectToGoOn(url).requests.getRequest(all.requests[2].id)];
  yield ["requests.getCount", await client.getCount({})];
  yield ["requests.resetAllRequests", await client.resetAllRequests()];
  yield ["requests.getCount", await client.getCount({})];
  await sendEvent(url);
  yield ["requests.deleteAllRequests", await client.deleteAllRequests()];
  yield ["requests.getAllRequests", await client.getAllRequests()];
  yield ["requests.getRequest", await connectToGoOn(url).requests.getRequest(NOBODY)];
  yield ["mappings.getAllMappings", (await stubs.getAllMappings()).meta];
}

async function* nearMisses(url) {
  const { requests: client, mappings: stubs } = connect(url);
  yield ["GET /event/", await send(`${url}/event/`)];
  yield ["requests.getUnmatchedNearMisses", await client.getUnmatchedNearMisses()];
  await stubs.createMapping({
    name: "near", request: { method: "GET", urlPath: "/shop/near", headers: { "X-A": { equalTo: "1" } } },
    response: { status: 200 },
  });
  yield ["requests.getNearMissesByRequest", await client.getNearMissesByRequest({ url: "/shop/near", method: "GET", headers: { "X-A": "2" } })];
  for (const user of ["u1", "u2"]) await sendEvent(url, user);
  const pattern = {
    method: "POST", url: "/event/", headers: { Authorization: { equalTo: "Bearer k" } },
    bodyPatterns: [{ equalToJson: { distinct_id: "u3", event: "x" } }],
  };
  yield ["requests.getNearMissesByRequestPattern", await client.getNearMissesByRequestPattern(pattern)];
}

async function* scenarios(url) {
  const { scenarios: client, mappings: stubs } = connect(url);
  const order = (required, next, body) => ({
    request: { method: "POST", url: "/shop/order" }, response: { status: 200, body },
    scenarioName: "order", requiredScenarioState: required, newScenarioState: next,
  });
  await stubs.createMapping(order("Started", "paid", "open"));
  await stubs.createMapping(order("paid", undefined, "closed"));
  yield ["scenarios.getAllScenarios", await client.getAllScenarios()];
  yield ["POST /shop/order", await send(`${url}/shop/order`, "POST")];
  yield ["scenarios.getAllScenarios", await client.getAllScenarios()];
  yield ["scenarios.resetScenario", await client.resetScenario("order")];
  yield ["POST /shop/order", await send(`${url}/shop/order`, "POST")];
  yield ["scenarios.resetAllScenarios", await client.resetAllScenarios()];
  yield ["scenarios.setScenarioState", await client.setScenarioState("order", "paid")];
  yield ["POST /shop/order", await send(`${url}/shop/order`, "POST")];
  const goesOn = connectToGoOn(url).scenarios;
  yield ["scenarios.setScenarioState", await goesOn.setScenarioState("order", "lost")];
  yield ["scenarios.setScenarioState", await goesOn.setScenarioState("nobody", "paid")];
  yield ["scenarios.resetScenario", await goesOn.resetScenario("nobody")];
}

async function* settings(url) {
  const { global, mappings: stubs, requests: journal } = connect(url);
  const slow = async () => {
    const { status, took } = await sendEvent(url);
    return { status, took, addedDelay: (await journal.getAllRequests()).requests[0].timing.addedDelay };
  };
  yield ["global.updateGlobalSettings", await global.updateGlobalSettings({ fixedDelay: 120 })];
  yield ["POST /event/", await slow()];
  const uniform = { delayDistribution: { type: "uniform", lower: 120, upper: 140 } };
  yield ["global.updateGlobalSettings", await global.updateGlobalSettings(uniform)];
  yield ["POST /event/", await slow()];
  await stubs.createMapping(stub("/shop/reset"));
  yield ["global.resetAll", await global.resetAll()];
  yield ["POST /event/", await slow()];
  yield ["mappings.getAllMappings", await stubs.getAllMappings()];
}

async function* recordings(url) {
  const { recordings: client } = connect(url);
  yield ["recordings.getRecordingStatus", await client.getRecordingStatus()];
  const goesOn = connectToGoOn(url).recordings;
  yield ["recordings.startRecording", await goesOn.startRecording({ targetBaseUrl: "http://127.0.0.1:1" })];
  yield ["recordings.takeSnapshotRecording", await goesOn.takeSnapshotRecording({ persist: false })];
  yield ["recordings.stopRecording", await goesOn.stopRecording()];
  yield ["recordings.getRecordingStatus", await client.getRecordingStatus()];
}

// A server inside a process of tests does not stop: its tests do that.
async function* shutdown(url) {
  yield ["global.shutdown", await connect(url).global.shutdown()];
  yield ["POST /event/", await sendEvent(url)];
}

async function* surface(url) {
  const client = connect(url);
  const services = Object.getOwnPropertyNames(WireMockRestClient.prototype).filter((name) => name !== "constructor");
  for (const service of services) for (const method of methodsOf(client[service])) yield [`${service}.${method}`];
}

run({ mappings, files, requests, nearMisses, scenarios, settings, recordings, shutdown, surface });
