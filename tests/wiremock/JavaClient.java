import static com.github.tomakehurst.wiremock.client.WireMock.*;
import static com.github.tomakehurst.wiremock.matching.RequestPatternBuilder.allRequests;

import com.github.tomakehurst.wiremock.admin.model.ServeEventQuery;
import com.github.tomakehurst.wiremock.client.MappingBuilder;
import com.github.tomakehurst.wiremock.client.VerificationException;
import com.github.tomakehurst.wiremock.client.WireMock;
import com.github.tomakehurst.wiremock.common.ClientError;
import com.github.tomakehurst.wiremock.common.Json;
import com.github.tomakehurst.wiremock.extension.Parameters;
import com.github.tomakehurst.wiremock.global.GlobalSettings;
import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.http.UniformDistribution;
import com.github.tomakehurst.wiremock.matching.MatchResult;
import com.github.tomakehurst.wiremock.matching.RequestPatternBuilder;
import com.github.tomakehurst.wiremock.stubbing.Scenario;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import com.github.tomakehurst.wiremock.stubbing.StubImport;
import com.github.tomakehurst.wiremock.stubbing.StubMapping;
import com.github.tomakehurst.wiremock.verification.LoggedRequest;
import com.github.tomakehurst.wiremock.verification.NearMiss;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/**
 * Drives a server with the real Java client of WireMock, and prints one JSON object per call: what it gave back.
 *
 * <p>Run by tests/test_wiremock_clients.py from its source, in a folder of its own: {@code java -cp JAR
 * JavaClient.java URL SCENARIO...}. A virtual machine takes long to start, so one runs all scenarios and resets the
 * server between them. A step is named after the method; of the static methods, which do the same over an instance
 * that they share, after {@code static} and the method.
 */
class JavaClient {
    static final UUID FIRST = UUID.fromString("11111111-1111-4111-8111-111111111111");
    static final UUID NOBODY = UUID.fromString("00000000-0000-4000-8000-000000000000");
    static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    static String url;
    static WireMock client;

    interface Action {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        URI address = URI.create(url);
        client = new WireMock(address.getHost(), address.getPort());
        configureFor(address.getHost(), address.getPort());
        for (String scenario : Arrays.asList(arguments).subList(1, arguments.length)) {
            OUT.println("{\"scenario\": \"" + scenario + "\"}");
            try {
                JavaClient.class.getDeclaredMethod(scenario).invoke(null);
            } catch (InvocationTargetException error) {
                tell("exception", String.valueOf(error.getCause()));
            }
            client.resetMappings(); // the server's whole state, as Java's client has it
        }
    }

    // Telling what happened

    static void tell(String call, Object got) throws IOException {
        Map<String, Object> step = new LinkedHashMap<>();
        step.put("call", call);
        step.put("got", got);
        OUT.println(Json.getObjectMapper().writeValueAsString(step));
    }

    static void tell(String call, Action action) throws Exception {
        tell(call, resultOf(() -> {
            action.run();
            return null;
        }));
    }

    /** What a call gives back, or what it throws. */
    static Object resultOf(Callable<Object> call) throws Exception {
        try {
            return call.call();
        } catch (ClientError error) {
            return Map.of("error", error.getClass().getSimpleName(), "told", Json.read(error.getMessage(), Map.class));
        } catch (VerificationException error) {
            return Map.of("error", error.getClass().getSimpleName(), "told", error.getMessage());
        }
    }

    static Object of(StubMapping stub) {
        return Json.read(StubMapping.buildJsonStringFor(stub), Map.class);
    }

    static Object ofStubs(Collection<StubMapping> stubs) {
        return stubs.stream().map(JavaClient::of).collect(Collectors.toList());
    }

    static Map<String, Object> of(LoggedRequest request) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("method", request.getMethod().getName());
        told.put("url", request.getUrl());
        told.put("body", request.getBodyAsString());
        told.put("authorization", request.getHeader("Authorization"));
        told.put("clientIp", request.getClientIp());
        told.put("protocol", request.getProtocol());
        told.put("host", request.getHost());
        told.put("cookies", request.getCookies().keySet());
        told.put("queryParams", request.getQueryParams().keySet());
        told.put("loggedDate", request.getLoggedDate().getTime());
        return told;
    }

    static Object ofRequests(List<LoggedRequest> requests) {
        return requests.stream().map(JavaClient::of).collect(Collectors.toList());
    }

    static Object of(ServeEvent event) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("id", event.getId());
        told.put("request", of(event.getRequest()));
        told.put("defined", event.getResponseDefinition().getStatus());
        told.put("status", event.getResponse().getStatus());
        told.put("body", event.getResponse().getBodyAsString());
        told.put("matched", event.getWasMatched());
        told.put("stub", event.getStubMapping() == null ? null : event.getStubMapping().getName());
        told.put("addedDelay", event.getTiming().getAddedDelay());
        return told;
    }

    static Object ofEvents(List<ServeEvent> events) {
        return events.stream().map(JavaClient::of).collect(Collectors.toList());
    }

    static Object of(NearMiss miss) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("request", of(miss.getRequest()));
        told.put("distance", miss.getMatchResult().getDistance());
        told.put("stub", miss.getStubMapping() == null ? null : of(miss.getStubMapping()));
        told.put("pattern", miss.getRequestPattern() == null ? null : Json.objectToMap(miss.getRequestPattern()));
        told.put("diff", miss.getDiff().toString());
        return told;
    }

    static Object ofMisses(List<NearMiss> misses) {
        return misses.stream().map(JavaClient::of).collect(Collectors.toList());
    }

    static Object of(Scenario scenario) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("id", scenario.getId());
        told.put("name", scenario.getName());
        told.put("state", scenario.getState());
        told.put("possibleStates", new TreeSet<>(scenario.getPossibleStates()));
        told.put("mappings", scenario.getMappings().size());
        return told;
    }

    static Object ofScenarios(List<Scenario> scenarios) {
        return scenarios.stream().map(JavaClient::of).collect(Collectors.toList());
    }

    // The data plane

    static Map<String, Object> send(String method, String path, String body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
        request.method(method, HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        Map<String, Object> told = new LinkedHashMap<>();
        long before = System.nanoTime();
        try {
            HttpResponse<String> answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
            told.put("status", answer.statusCode());
            for (String name : List.of("Content-Type", "Retry-After", "X-Kind", "Matched-Stub-Id", "Matched-Stub-Name")) {
                answer.headers().firstValue(name).ifPresent(value -> told.put(name, value));
            }
            told.put("values", answer.headers().allValues("X-Kind").size());
            told.put("body", answer.body());
        } catch (IOException error) {
            told.put("error", "IOException");
        }
        told.put("took", (System.nanoTime() - before) / 1_000_000);
        return told;
    }

    static Map<String, Object> send(String method, String path) throws Exception {
        return send(method, path, "");
    }

    static Map<String, Object> sendEvent(String user) throws Exception {
        String body = "{\"distinct_id\": \"" + user + "\", \"event\": \"x\"}";
        return send("POST", "/event/", body, "Authorization", "Bearer k", "Content-Type", "application/json");
    }

    static RequestPatternBuilder eventOf(String user) {
        return postRequestedFor(urlPathEqualTo("/event/"))
            .withRequestBody(matchingJsonPath("$.distinct_id", equalTo(user)));
    }

    // The scenarios

    static void stubs() throws Exception {
        MappingBuilder one = get(urlEqualTo("/shop/one")).withId(FIRST).withName("one").atPriority(2)
            .persistent(false).withMetadata(Map.of("team", "a"))
            .willReturn(aResponse().withStatus(200).withHeader("X-Kind", "a", "b").withBody("one"));
        tell("register", of(client.register(one)));
        tell("GET /shop/one", send("GET", "/shop/one"));
        tell("getStubMapping", of(client.getStubMapping(FIRST).getItem()));
        tell("getStubMapping", resultOf(() -> client.getStubMapping(NOBODY).isPresent()));
        tell("editStubMapping", () -> client.editStubMapping(one.willReturn(jsonResponse("{\"n\": 2}", 429).withHeader("Retry-After", "1"))));
        tell("GET /shop/one", send("GET", "/shop/one"));
        StubMapping two = client.register(get("/shop/two").withMetadata(Map.of("team", "b")).willReturn(okJson("{}")));
        tell("allStubMappings", ofStubs(client.allStubMappings().getMappings()));
        tell("allStubMappings", client.allStubMappings().getMeta().total);
        tell("findAllStubsByMetadata", ofStubs(client.findAllStubsByMetadata(matchingJsonPath("$.team", equalTo("b")))));
        tell("saveMappings", client::saveMappings);
        tell("removeStubMapping", () -> client.removeStubMapping(two));
        tell("GET /shop/two", send("GET", "/shop/two"));
        tell("removeStubsByMetadataPattern", () -> client.removeStubsByMetadataPattern(matchingJsonPath("$.team")));
        tell("GET /shop/one", send("GET", "/shop/one"));
        client.register(get("/shop/three").willReturn(ok()));
        tell("removeStubMapping", () -> client.removeStubMapping(get("/shop/three")));
        tell("removeStubMapping", () -> client.removeStubMapping(client.register(get("/shop/four")).getId()));
        tell("allStubMappings", client.allStubMappings().getMeta().total);
        StubImport stubs = StubImport.stubImport().stub(one).stub(get("/shop/five").willReturn(noContent())).build();
        tell("importStubMappings", () -> client.importStubMappings(stubs));
        tell("GET /shop/five", send("GET", "/shop/five"));
        tell("importStubMappings", () -> client.importStubMappings(
            StubImport.stubImport().stub(one).ignoreExisting().deleteAllExistingStubsNotInImport()));
        tell("allStubMappings", client.allStubMappings().getMeta().total);
        Files.createDirectories(Path.of("stubs", "mappings"));
        Files.writeString(Path.of("stubs", "mappings", "file.json"), "{\"request\": {\"url\": \"/shop/file\"}, \"response\": {\"status\": 204}}");
        tell("loadMappingsFrom", () -> client.loadMappingsFrom(Path.of("stubs").toFile()));
        tell("GET /shop/file", send("GET", "/shop/file"));
        tell("removeMappings", client::removeMappings);
        tell("allStubMappings", client.allStubMappings().getMeta().total);
        client.register(get("/shop/six"));
        tell("GET /shop/six", send("GET", "/shop/six"));
        tell("resetToDefaultMappings", client::resetToDefaultMappings);
        tell("allStubMappings", client.allStubMappings().getMeta().total);
        tell("resetMappings", client::resetMappings);
        tell("getServeEvents", client.getServeEvents().size());
        tell("POST /event/", sendEvent("u1"));
    }

    static void answers() throws Exception {
        Map<String, com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder> table = new LinkedHashMap<>();
        table.put("body", ok("ä").withHeader("Content-Type", "text/plain; charset=utf-8"));
        table.put("bytes", aResponse().withBody("bytes".getBytes(StandardCharsets.UTF_8)));
        table.put("json", jsonResponse(Map.of("n", 1), 201));
        table.put("redirect", temporaryRedirect("/shop/there"));
        table.put("fixed", ok().withFixedDelay(120));
        table.put("uniform", ok().withUniformRandomDelay(60, 90));
        table.put("lognormal", ok().withLogNormalRandomDelay(60, 0.01));
        table.put("dribble", ok("in four pieces").withChunkedDribbleDelay(4, 120));
        for (Fault fault : Fault.values()) {
            table.put(fault.name(), aResponse().withFault(fault));
        }
        for (var each : table.entrySet()) {
            client.register(any(urlPathEqualTo("/shop/" + each.getKey())).willReturn(each.getValue()));
            tell(each.getKey(), send("PUT", "/shop/" + each.getKey()));
        }
    }

    static void pattern(String name, MappingBuilder builder, Callable<Map<String, Object>> hit, Callable<Map<String, Object>> miss)
            throws Exception {
        StubMapping stub = client.register(builder.willReturn(status(210)));
        List<Object> statuses = List.of(hit.call().get("status"), miss.call().get("status"));
        client.removeStubMapping(stub);
        tell(name, statuses);
    }

    /** A stub whose body meets a matcher: a body that does, and one that does not. */
    static void body(String name, com.github.tomakehurst.wiremock.matching.ContentPattern<?> matcher, String hit, String miss)
            throws Exception {
        MappingBuilder builder = post("/shop/patterns").withRequestBody(matcher);
        pattern(name, builder, () -> send("POST", "/shop/patterns", hit), () -> send("POST", "/shop/patterns", miss));
    }

    /** A stub of a path: the query of a call that meets it, and one that does not. */
    static void query(String name, MappingBuilder builder, String hit, String miss) throws Exception {
        pattern(name, builder, () -> send("GET", "/shop/patterns" + hit), () -> send("GET", "/shop/patterns" + miss));
    }

    static MappingBuilder here() {
        return any(urlPathEqualTo("/shop/patterns"));
    }

    static void patterns() throws Exception {
        body("equalTo", equalTo("abc"), "abc", "ABC");
        body("equalToIgnoreCase", equalToIgnoreCase("abc"), "ABC", "AB");
        body("binaryEqualTo", binaryEqualTo("abc".getBytes(StandardCharsets.UTF_8)), "abc", "ab");
        body("containing", containing("b"), "abc", "ac");
        body("notContaining", notContaining("b"), "ac", "abc");
        body("matching", matching("a.c"), "abc", "abcd");
        body("notMatching", notMatching("a.*"), "ba", "ab");
        body("not", not(containing("b")), "ac", "abc");
        body("and", and(containing("a"), containing("b")), "ab", "a");
        body("or", or(equalTo("a"), equalTo("b")), "b", "c");
        body("StringValuePattern.and", containing("a").and(notContaining("b")), "ac", "ab");
        body("equalToJson", equalToJson("{\"a\": [1, 2]}"), "{\"a\": [1, 2.0]}", "{\"a\": [2, 1]}");
        body("equalToJson lenient", equalToJson("{\"a\": [1, 2]}", true, true), "{\"b\": 0, \"a\": [3, 2, 1]}", "{\"a\": [1]}");
        body("placeholders", equalToJson("{\"a\": \"${json-unit.any-string}\"}"), "{\"a\": \"x\"}", "{\"a\": 1}");
        body("matchingJsonPath", matchingJsonPath("$.a[?(@.n == 2)]"), "{\"a\": [{\"n\": 2}]}", "{\"a\": [{\"n\": 1}]}");
        body("matchingJsonPath of the root", matchingJsonPath("$[?(@.name == 'a')]"), "{\"name\": \"a\"}", "{\"name\": \"b\"}");
        body("matchingJsonPath and a matcher", matchingJsonPath("$.n", equalTo("5")), "{\"n\": 5}", "{\"n\": 6}");
        body("matchingJsonPath absent", matchingJsonPath("$.n", absent()), "{}", "{\"n\": 6}");
        body("matchingJsonPath equalToJson", matchingJsonPath("$.o", equalToJson("{\"n\": 1}")), "{\"o\": {\"n\": 1}}", "{\"o\": {\"n\": 2}}");
        body("matchingJsonSchema", matchingJsonSchema("{\"type\": \"object\", \"required\": [\"a\"]}"), "{\"a\": 1}", "{}");
        body("matchingJsonSchema V7", matchingJsonSchema("{\"type\": \"integer\"}", JsonSchemaVersion.V7), "5", "\"5\"");
        body("before", before("2030-01-01T00:00:00Z"), "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
        body("after", after("2030-01-01T00:00:00Z"), "2040-01-01T00:00:00Z", "2020-01-01T00:00:00Z");
        body("equalToDateTime", equalToDateTime("2030-01-01T00:00:00Z"), "2030-01-01T01:00:00+01:00", "2030-01-02T00:00:00Z");
        body("beforeNow", beforeNow(), "2020-01-01T00:00:00Z", "2940-01-01T00:00:00Z");
        body("afterNow", afterNow(), "2940-01-01T00:00:00Z", "2020-01-01T00:00:00Z");
        query("urlEqualTo", get(urlEqualTo("/shop/patterns?a=1")), "?a=1", "?a=2");
        query("urlMatching", get(urlMatching("/shop/.*a=[0-9]")), "?a=1", "?a=b");
        query("urlPathMatching", get(urlPathMatching("/shop/[a-z]+")), "?a=1", "/1");
        query("urlPathTemplate", get(urlPathTemplate("/shop/patterns/{id}/x")).withPathParam("id", matching("[0-9]+")), "/12/x", "/a/x");
        query("withQueryParam", here().withQueryParam("a", containing("b")), "?a=abc", "?a=ac");
        query("withQueryParams", here().withQueryParams(Map.of("a", equalTo("1"), "b", absent())), "?a=1", "?a=1&b=2");
        query("havingExactly", here().withQueryParam("a", havingExactly("1", "2")), "?a=2&a=1", "?a=1&a=2&a=3");
        query("including", here().withQueryParam("a", including("1", "2")), "?a=3&a=2&a=1", "?a=1");
        query("noValues", here().withQueryParam("a", noValues()), "?b=1", "?a=1");
        query("withScheme, withHost, withPort, withClientIp", here().withScheme("http").withHost(equalTo("127.0.0.1"))
            .withPort(URI.create(url).getPort()).withClientIp(matching("127.*")), "", "/1");
        query("another scheme", here().withScheme("https"), "", "/1");
        query("another host", here().withHost(equalTo("elsewhere")), "", "/1");
        query("another port", here().withPort(1), "", "/1");
        query("another client", here().withClientIp(equalTo("10.0.0.1")), "", "/1");
        pattern("withHeader", here().withHeader("x-a", equalTo("1")),
            () -> send("PUT", "/shop/patterns", "", "X-A", "1"), () -> send("PUT", "/shop/patterns", "", "X-A", "2"));
        pattern("withHeader including", here().withHeader("X-A", including(containing("1"), equalTo("2"))),
            () -> send("PUT", "/shop/patterns", "", "X-A", "2", "X-A", "11"), () -> send("PUT", "/shop/patterns", "", "X-A", "2"));
        pattern("withCookie", here().withCookie("c", matching("[0-9]")),
            () -> send("PUT", "/shop/patterns", "", "Cookie", "b=x; c=1"), () -> send("PUT", "/shop/patterns", "", "Cookie", "c=x"));
        pattern("withBasicAuth", here().withBasicAuth("u", "p"),
            () -> send("PUT", "/shop/patterns", "", "Authorization", "Basic dTpw"), () -> send("PUT", "/shop/patterns"));
        String form = "application/x-www-form-urlencoded";
        pattern("withFormParam", here().withFormParam("a", equalTo("x y")).withFormParams(Map.of("b", including("1"))),
            () -> send("POST", "/shop/patterns", "a=x+y&b=1", "Content-Type", form),
            () -> send("POST", "/shop/patterns", "a=x+y&b=2", "Content-Type", form));
        for (String method : List.of("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")) {
            pattern(method, request(method, urlEqualTo("/shop/patterns")),
                () -> send(method, "/shop/patterns"), () -> send(method.equals("PUT") ? "POST" : "PUT", "/shop/patterns"));
        }
    }

    static void refused() throws Exception {
        Map<String, MappingBuilder> table = new LinkedHashMap<>();
        table.put("equalToXml", post("/shop/refused").withRequestBody(equalToXml("<a/>")));
        table.put("matchingXPath", post("/shop/refused").withRequestBody(matchingXPath("//a")));
        table.put("aMultipart", post("/shop/refused").withMultipartRequestBody(aMultipart("a")));
        table.put("andMatching", post("/shop/refused").andMatching("mine", Parameters.one("a", 1)));
        table.put("proxiedFrom", post("/shop/refused").willReturn(aResponse().proxiedFrom("http://127.0.0.1:1")));
        table.put("withBodyFile", post("/shop/refused").willReturn(aResponse().withBodyFile("a.json")));
        table.put("withTransformers", post("/shop/refused").willReturn(aResponse().withTransformers("response-template")));
        table.put("withTransformerParameter", post("/shop/refused").willReturn(aResponse().withTransformerParameter("a", 1)));
        table.put("withPostServeAction", post("/shop/refused").withPostServeAction("webhook", Map.of()));
        table.put("withServeEventListener", post("/shop/refused").withServeEventListener("mine", Map.of()));
        for (var each : table.entrySet()) {
            tell(each.getKey(), resultOf(() -> of(client.register(each.getValue()))));
        }
        tell("allStubMappings", ofStubs(client.allStubMappings().getMappings()));
    }

    static void journal() throws Exception {
        StubMapping stub = client.register(get("/shop/seen").withName("seen").withMetadata(Map.of("team", "a")).willReturn(ok("seen")));
        for (String user : List.of("u1", "u2", "u3")) {
            tell("POST /event/", sendEvent(user));
        }
        send("GET", "/shop/seen");
        send("GET", "/nowhere?x=1", "", "Cookie", "c=1");
        tell("verifyThat", () -> client.verifyThat(eventOf("u2").withHeader("Authorization", equalTo("Bearer k"))));
        tell("verifyThat", () -> client.verifyThat(3, postRequestedFor(urlEqualTo("/event/"))));
        tell("verifyThat", () -> client.verifyThat(moreThan(4), anyRequestedFor(anyUrl())));
        tell("verifyThat", () -> client.verifyThat(eventOf("u2").andMatching(
            request -> MatchResult.of(request.getBodyAsString().contains("u2")))));
        tell("verifyThat", () -> client.verifyThat(eventOf("u4")));
        tell("verifyThat", () -> client.verifyThat(2, postRequestedFor(urlEqualTo("/event/"))));
        tell("verifyThat", () -> client.verifyThat(exactly(0), getRequestedFor(urlEqualTo("/shop/other"))));
        tell("find", ofRequests(client.find(eventOf("u2"))));
        tell("find", client.find(allRequests()).size());
        tell("getServeEvents", ofEvents(client.getServeEvents()));
        tell("getServeEvents", ofEvents(client.getServeEvents(ServeEventQuery.ALL_UNMATCHED)));
        tell("getServeEvents", ofEvents(client.getServeEvents(ServeEventQuery.forStubMapping(stub))));
        tell("findAllUnmatchedRequests", ofRequests(client.findAllUnmatchedRequests()));
        tell("removeEventsByMetadata", ofEvents(client.removeEventsByMetadata(matchingJsonPath("$.team", equalTo("a")))));
        tell("removeEvents", ofEvents(client.removeEvents(eventOf("u2"))));
        UUID last = client.getServeEvents().get(0).getId();
        tell("removeEvent", () -> client.removeEvent(last));
        tell("find", client.find(allRequests()).size());
        tell("resetRequests", client::resetRequests);
        tell("getServeEvents", client.getServeEvents().size());
    }

    static void nearMisses() throws Exception {
        client.register(get("/shop/near").withName("near").withHeader("X-A", equalTo("1")).willReturn(ok()));
        send("GET", "/shop/near", "", "X-A", "2");
        sendEvent("u1");
        tell("findNearMissesForAllUnmatchedRequests", ofMisses(client.findNearMissesForAllUnmatchedRequests()));
        LoggedRequest near = client.find(getRequestedFor(urlEqualTo("/shop/near"))).get(0);
        tell("findTopNearMissesFor", ofMisses(client.findTopNearMissesFor(near)));
        tell("findAllNearMissesFor", ofMisses(client.findAllNearMissesFor(
            postRequestedFor(urlEqualTo("/event/")).withRequestBody(equalToJson("{\"distinct_id\": \"u2\", \"event\": \"x\"}")))));
    }

    static void scenarios() throws Exception {
        MappingBuilder first = post("/shop/order").inScenario("order").whenScenarioStateIs(Scenario.STARTED)
            .willSetStateTo("paid").willReturn(ok("open"));
        MappingBuilder second = post("/shop/order").inScenario("order").whenScenarioStateIs("paid").willReturn(ok("closed"));
        client.register(first);
        client.register(second);
        tell("getScenarios", ofScenarios(client.getScenarios()));
        tell("POST /shop/order", send("POST", "/shop/order"));
        tell("getScenarios", ofScenarios(client.getScenarios()));
        tell("resetScenarioState", () -> client.resetScenarioState("order"));
        tell("POST /shop/order", send("POST", "/shop/order"));
        tell("resetScenarios", client::resetScenarios);
        tell("setSingleScenarioState", () -> client.setSingleScenarioState("order", "paid"));
        tell("POST /shop/order", send("POST", "/shop/order"));
        tell("setSingleScenarioState", () -> client.setSingleScenarioState("order", "lost"));
        tell("setSingleScenarioState", () -> client.setSingleScenarioState("nobody", "paid"));
        tell("resetScenarioState", () -> client.resetScenarioState("nobody"));
    }

    static void tellSpeed() throws Exception {
        Map<String, Object> got = sendEvent("u1");
        int added = client.getServeEvents().get(0).getTiming().getAddedDelay();
        tell("POST /event/", Map.of("status", got.get("status"), "took", got.get("took"), "addedDelay", added));
    }

    static void settings() throws Exception {
        tell("setGlobalFixedDelayVariable", () -> client.setGlobalFixedDelayVariable(120));
        tell("getGlobalSettings", Json.objectToMap(client.getGlobalSettings()));
        tellSpeed();
        tell("setGlobalRandomDelayVariable", () -> client.setGlobalRandomDelayVariable(new UniformDistribution(120, 130)));
        tellSpeed();
        tell("updateGlobalSettings", () -> client.updateGlobalSettings(GlobalSettings.builder().fixedDelay(7).build()));
        tell("getGlobalSettings", Json.objectToMap(client.getGlobalSettings()));
        tell("resetMappings", client::resetMappings);
        tellSpeed();
    }

    static void recordings() throws Exception {
        tell("getStubRecordingStatus", client.getStubRecordingStatus().getStatus());
        tell("startStubRecording", () -> client.startStubRecording("http://127.0.0.1:1"));
        tell("startStubRecording", () -> client.startStubRecording(recordSpec().forTarget("http://127.0.0.1:1")));
        tell("takeSnapshotRecording", client::takeSnapshotRecording);
        tell("stopStubRecording", client::stopStubRecording);
        tell("shutdown", client::shutdown);
        tell("getStubRecordingStatus", client.getStubRecordingStatus().getStatus());
    }

    /** The static methods over the same routes; each is shown to reach the server. */
    static void statics() throws Exception {
        StubMapping one = stubFor(get("/shop/one").withId(FIRST).withMetadata(Map.of("team", "a")).willReturn(ok("one")));
        tell("static stubFor", of(one));
        tell("static givenThat", of(givenThat(get("/shop/two").willReturn(ok("two")))));
        tell("static editStub", () -> editStub(get("/shop/one").withId(FIRST).withMetadata(Map.of("team", "a")).willReturn(ok("edited"))));
        tell("GET /shop/one", send("GET", "/shop/one"));
        tell("static getSingleStubMapping", of(getSingleStubMapping(FIRST)));
        tell("static listAllStubMappings", listAllStubMappings().getMappings().size());
        tell("static findStubsByMetadata", findStubsByMetadata(matchingJsonPath("$.team")).size());
        tell("static removeStubsByMetadata", () -> removeStubsByMetadata(matchingJsonPath("$.team")));
        tell("static removeStub", () -> removeStub(get("/shop/two")));
        tell("static importStubs", () -> importStubs(StubImport.stubImport().stub(one)));
        tell("static saveAllMappings", WireMock::saveAllMappings);
        tell("static listAllStubMappings", listAllStubMappings().getMappings().size());
        tell("static removeAllMappings", WireMock::removeAllMappings);
        tell("static resetToDefault", WireMock::resetToDefault);
        tell("static listAllStubMappings", listAllStubMappings().getMappings().size());
        sendEvent("u1");
        sendEvent("u2");
        send("GET", "/event/");
        tell("static verify", () -> verify(eventOf("u1")));
        tell("static verify", () -> verify(1, eventOf("u2")));
        tell("static findAll", ofRequests(findAll(eventOf("u2"))));
        tell("static getAllServeEvents", getAllServeEvents().size());
        tell("static findUnmatchedRequests", ofRequests(findUnmatchedRequests()));
        tell("static findNearMissesForAllUnmatched", ofMisses(findNearMissesForAllUnmatched()));
        tell("static findNearMissesFor", ofMisses(findNearMissesFor(eventOf("u3"))));
        tell("static removeServeEvents", removeServeEvents(eventOf("u1")).size());
        tell("static removeEventsByStubMetadata", removeEventsByStubMetadata(matchingJsonPath("$.team")).size());
        tell("static removeServeEvent", () -> removeServeEvent(getAllServeEvents().get(0).getId()));
        tell("static getAllServeEvents", getAllServeEvents().size());
        tell("static resetAllRequests", WireMock::resetAllRequests);
        tell("static getAllServeEvents", getAllServeEvents().size());
        stubFor(post("/shop/order").inScenario("order").whenScenarioStateIs(Scenario.STARTED).willSetStateTo("paid"));
        tell("static setScenarioState", () -> setScenarioState("order", "paid"));
        tell("static getAllScenarios", ofScenarios(getAllScenarios()));
        tell("static resetScenario", () -> resetScenario("order"));
        tell("static getAllScenarios", ofScenarios(getAllScenarios()));
        tell("static resetAllScenarios", WireMock::resetAllScenarios);
        tell("static setGlobalFixedDelay", () -> setGlobalFixedDelay(1));
        tell("static getSettings", Json.objectToMap(getSettings()));
        tell("static setGlobalRandomDelay", () -> setGlobalRandomDelay(new UniformDistribution(0, 1)));
        tell("static updateSettings", () -> updateSettings(GlobalSettings.builder().fixedDelay(2).build()));
        tell("static getSettings", Json.objectToMap(getSettings()));
        tell("static getRecordingStatus", getRecordingStatus().getStatus());
        tell("static startRecording", () -> startRecording("http://127.0.0.1:1"));
        tell("static snapshotRecord", () -> snapshotRecord());
        tell("static stopRecording", () -> stopRecording());
        tell("static reset", WireMock::reset);
        tell("static listAllStubMappings", listAllStubMappings().getMappings().size());
        tell("static shutdownServer", WireMock::shutdownServer);
        tell("POST /event/", sendEvent("u1"));
    }

    /** Name every method that talks to the server: what is static and gives back a part of a pattern is none. */
    static void surface() throws Exception {
        Set<String> silent = Set.of("create", "configure", "configureFor", "requestMadeFor", "recordSpec");
        Set<String> names = new TreeSet<>();
        for (Method method : WireMock.class.getDeclaredMethods()) {
            boolean isStatic = Modifier.isStatic(method.getModifiers());
            String given = method.getReturnType().getName();
            boolean builds = isStatic && (given.contains(".matching.") || given.contains(".client."));
            if (Modifier.isPublic(method.getModifiers()) && !builds && !silent.contains(method.getName())) {
                names.add((isStatic ? "static " : "") + method.getName());
            }
        }
        for (String name : names) {
            tell(name, (Object) null);
        }
    }
}
