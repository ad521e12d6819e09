// Drives a server with the real wiremock-captain, and prints one JSON object per call: what it gave back.
//
// Run by tests/test_wiremock_clients.py as `node captain.cjs URL SCENARIO`. The client never looks at a status: what
// a refusal is reads here as its JSON.
"use strict";

const {
  BodyType, DelayType, EndpointFeature, MatchingAttributes, ResponseTransformer, WireMock, WireMockAPI, WireMockFault,
} = require("wiremock-captain");
const { methodsOf, run, send, sendEvent } = require("./steps.cjs");

const ORDERS = "/shop/orders";
const get = (endpoint, more = {}) => ({ method: "GET", endpoint, ...more });

// What the client hands on as it got it is an answer of fetch.
const tell = async (answer) => ({ status: answer.status, body: await answer.text() });
const tellAll = (answers) => Promise.all(answers.map(tell));

async function* mappings(url) {
  const client = new WireMock(url, { stubPriority: 2 });
  const made = await client.register(get("/shop/one", { metadata: { team: "a" } }), { status: 200, body: { n: 1 }, headers: { "X-Kind": "one" } });
  yield ["WireMock.register", made];
  yield ["GET /shop/one", await send(`${url}/shop/one`)];
  yield ["WireMock.register", await client.register(get("/shop/one"), { status: 410 }, { stubPriority: 1 })];
  yield ["GET /shop/one", await send(`${url}/shop/one`)];
  yield ["WireMock.getMapping", await client.getMapping(made.id)];
  yield ["WireMock.getAllMappings", await client.getAllMappings()];
  yield ["WireMock.findMappingByMetadata", await client.findMappingByMetadata({ team: "a" }, MatchingAttributes.EqualToJson)];
  yield ["WireMock.findMappingByMetadata", await client.findMappingByMetadata("$.nothing", MatchingAttributes.MatchesJsonPath)];
  yield ["WireMock.removeMappingByMetadata", await client.removeMappingByMetadata("$.team", MatchingAttributes.MatchesJsonPath)];
  const [left] = await client.getAllMappings();
  yield ["WireMock.getAllMappings", left];
  yield ["WireMock.deleteMapping", await tell(await client.deleteMapping(left.id))];
  yield ["GET /shop/one", await send(`${url}/shop/one`)];
  yield ["WireMock.deleteMapping", await tell(await client.deleteMapping(left.id))];
  const emptying = { clearAll: tellAll, clearAllExceptDefault: tellAll, clearAllMappings: tell, resetMappings: tell };
  for (const [method, telling] of Object.entries(emptying)) {
    await client.register(get(`/shop/${method}`), { status: 200 });
    await send(`${url}/shop/${method}`);
    const got = await telling(await client[method]());
    const [mappings, requests] = [await client.getAllMappings(), await client.getAllRequests()];
    yield [`WireMock.${method}`, { got, mappings: mappings.length, requests: requests.length }];
  }
  yield ["POST /event/", await sendEvent(url)];
}

async function* patterns(url) {
  const client = new WireMock(url);
  const { EqualTo, Contains, Matches, DoesNotMatch, EqualToJson, BinaryEqualTo, MatchesJsonPath } = MatchingAttributes;
  const path = "/shop/patterns";
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const table = {
    url: [{ endpoint: `${path}?a=1` }, {}, { path: `${path}?a=1` }, { path: `${path}?a=2` }],
    urlPath: [{}, { requestEndpointFeature: EndpointFeature.UrlPath }, { path: `${path}?a=1` }, { path: `${path}/` }],
    urlPathPattern: [{ endpoint: "/shop/p[a-z]+" }, { requestEndpointFeature: EndpointFeature.UrlPathPattern }, { path: `${path}?a=1` }, { path: "/shop/p1" }],
    urlPattern: [{ endpoint: "/shop/.*a=[0-9]" }, { requestEndpointFeature: EndpointFeature.UrlPattern }, { path: `${path}?a=1` }, { path: `${path}?a=b` }],
    method: [{ method: "PUT" }, {}, { method: "PUT" }, { method: "DELETE" }],
    equalToJson: [{ body: { a: [1, 2] } }, {}, { body: { a: [1, 2] } }, { body: { a: [2, 1] } }],
    ignoreArrayOrder: [{ body: { a: [1, 2] } }, { requestIgnoreArrayOrder: true }, { body: { a: [2, 1] } }, { body: { a: [2] } }],
    ignoreExtraElements: [{ body: { a: 1 } }, { requestIgnoreExtraElements: true }, { body: { a: 1, b: 2 } }, { body: { b: 2 } }],
    equalTo: [{ body: "abc" }, { requestBodyFeature: EqualTo }, { body: "abc" }, { body: "ab" }],
    contains: [{ body: "b" }, { requestBodyFeature: Contains }, { body: "abc" }, { body: "ac" }],
    matches: [{ body: "a.*c" }, { requestBodyFeature: Matches }, { body: "abbc" }, { body: "abcd" }],
    doesNotMatch: [{ body: "a.*" }, { requestBodyFeature: DoesNotMatch }, { body: "ba" }, { body: "ab" }],
    binaryEqualTo: [{ body: "AQID" }, { requestBodyFeature: BinaryEqualTo }, { body: "\x01\x02\x03" }, { body: "\x01\x02" }],
    matchesJsonPath: [{ body: "$.items[?(@.n > 1)]" }, { requestBodyFeature: MatchesJsonPath }, { body: { items: [{ n: 2 }] } }, { body: { items: [{ n: 1 }] } }],
    headers: [{ headers: { "x-a": "1" } }, {}, { headers: { "X-A": "1" } }, {}],
    "headers by a matcher": [{ headers: { "X-A": "[0-9]+" } }, { requestHeaderFeatures: { "X-A": Matches } }, { headers: { "X-A": "12" } }, { headers: { "X-A": "1b" } }],
    cookies: [{ cookies: { c: "1" } }, { requestCookieFeatures: { c: Contains } }, { headers: { Cookie: "b=2; c=21" } }, { headers: { Cookie: "c=2" } }],
    queryParameters: [{ queryParameters: { a: "1" } }, { requestEndpointFeature: EndpointFeature.UrlPath, requestQueryParamFeatures: { a: Contains } }, { path: `${path}?b=0&a=21` }, { path: `${path}?a=2` }],
    formParameters: [{ formParameters: { a: "x y", b: "1" } }, { requestFormParameterFeatures: { b: Matches } }, { headers: form, body: "a=x+y&b=1" }, { headers: form, body: "a=x+y&b=2" }],
  };
  for (const [name, [request, features, hit, miss]] of Object.entries(table)) {
    const { id } = await client.register({ method: "POST", endpoint: path, ...request }, { status: 210 }, features);
    const statuses = [];
    for (const call of [hit, miss]) statuses.push((await send(`${url}${call.path ?? path}`, call.method ?? "POST", call)).status);
    await client.deleteMapping(id);
    yield [name, statuses];
  }
}

async function* answers(url) {
  const client = new WireMock(url);
  const table = {
    jsonBody: [{ status: 200, body: { a: "ä" } }, {}],
    body: [{ status: 200, body: "plain", headers: { "Content-Type": "text/plain" } }, { responseBodyType: BodyType.Body }],
    base64Body: [{ status: 200, body: "aGVsbG8=" }, { responseBodyType: BodyType.Base64Body }],
    FIXED: [{ status: 200 }, { responseDelay: { type: DelayType.FIXED, constantDelay: 120 } }],
    UNIFORM: [{ status: 200 }, { responseDelay: { type: DelayType.UNIFORM, lower: 60, upper: 90 } }],
    LOG_NORMAL: [{ status: 200 }, { responseDelay: { type: DelayType.LOG_NORMAL, median: 60, sigma: 0.01 } }],
    CHUNKED_DRIBBLE: [{ status: 200, body: { pieces: 4 } }, { responseDelay: { type: DelayType.CHUNKED_DRIBBLE, numberOfChunks: 4, totalDuration: 120 } }],
  };
  for (const fault of Object.values(WireMockFault)) table[fault] = [{ status: 200 }, { fault }];
  for (const [name, [response, features]] of Object.entries(table)) {
    await client.register(get(`/shop/${name}`), response, features);
    yield [name, await send(`${url}/shop/${name}`)];
  }
}

async function* refused(url) {
  const client = new WireMock(url);
  const { EqualToXml } = MatchingAttributes;
  const webhook = { method: "POST", url: "http://127.0.0.1:1", body: { type: "JSON", data: {} }, delay: { type: DelayType.FIXED, constantDelay: 1 } };
  const table = {
    equalToXml: [{ body: "<a/>" }, { requestBodyFeature: EqualToXml }],
    "equalTo with a number": [{ headers: { "X-A": 5 } }, {}],
    transformers: [{}, { responseTransformers: [ResponseTransformer.RESPONSE_TEMPLATE] }],
    webhook: [{}, { webhook }],
  };
  for (const [name, [request, features]] of Object.entries(table)) {
    yield [name, await client.register(get("/shop/refused", request), { status: 200 }, features)];
  }
  yield ["WireMock.getAllMappings", await client.getAllMappings()];
}

async function* requests(url) {
  const client = new WireMock(url);
  await client.register(get("/shop/seen"), { status: 200 });
  for (const user of ["u1", "u2"]) yield ["POST /event/", await sendEvent(url, user)];
  await send(`${url}/shop/seen`);
  await send(`${url}/nowhere?x=1`);
  yield ["WireMock.getAllRequests", await client.getAllRequests()];
  yield ["WireMock.getRequestsForAPI", await client.getRequestsForAPI("POST", "/event/")];
  yield ["WireMock.getRequestsForAPI", await client.getRequestsForAPI("GET", "/event/")];
  yield ["WireMock.getUnmatchedRequests", await client.getUnmatchedRequests()];
  yield ["WireMock.clearAllRequests", await tell(await client.clearAllRequests())];
  yield ["WireMock.getAllRequests", await client.getAllRequests()];
  yield ["GET /shop/seen", await send(`${url}/shop/seen`)];
}

async function* scenarios(url) {
  const client = new WireMock(url);
  const step = (requiredScenarioState, newScenarioState) => ({ scenario: { scenarioName: "order", requiredScenarioState, newScenarioState } });
  await client.register({ method: "POST", endpoint: ORDERS }, { status: 201 }, step("Started", "paid"));
  await client.register({ method: "POST", endpoint: ORDERS }, { status: 409 }, step("paid", "paid"));
  yield ["WireMock.getAllScenarios", await client.getAllScenarios()];
  for (const _ of [1, 2]) yield [`POST ${ORDERS}`, await send(`${url}${ORDERS}`, "POST")];
  yield ["WireMock.getAllScenarios", await client.getAllScenarios()];
  yield ["WireMock.resetAllScenarios", await tell(await client.resetAllScenarios())];
  yield ["WireMock.getAllScenarios", await client.getAllScenarios()];
}

// One of these speaks for one endpoint; what else it does is the other's.
async function* api(url) {
  const client = new WireMockAPI(url, ORDERS, "POST", { requestIgnoreExtraElements: true });
  yield ["WireMockAPI.register", await client.register({ body: { item: "a" } }, { status: 201, body: { id: 7 } })];
  yield ["WireMockAPI.registerDefaultResponse", await client.registerDefaultResponse({ status: 400 }, { stubPriority: 9 })];
  for (const item of ["a", "b"]) yield [`POST ${ORDERS}`, await send(`${url}${ORDERS}`, "POST", { body: { item, more: 1 } })];
  await send(`${url}${ORDERS}?x=1`, "POST");
  yield ["WireMockAPI.getRequestsForAPI", await client.getRequestsForAPI()];
}

async function* surface(url) {
  const internal = ["makeUrl", "mergeWireMockFeatures"]; // private in its types
  const own = Object.getOwnPropertyNames(WireMockAPI.prototype).filter((name) => name !== "constructor");
  for (const name of methodsOf(new WireMock(url))) if (!internal.includes(name)) yield [`WireMock.${name}`];
  for (const name of own) yield [`WireMockAPI.${name}`];
}

run({ mappings, patterns, answers, refused, requests, scenarios, api, surface });
