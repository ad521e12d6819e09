"""A journal of twelve calls, and which of them each request pattern matches: on the engine and over HTTP alike."""

import base64
import http.client
import random
from typing import Any, NamedTuple

from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer, settle
from mockserver.engine.exchange import Request
from mockserver.engine.headers import packed, unpacked
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled
from tests.engine.specs import NOON


class Sent(NamedTuple):
    """A call as it is sent: header names in any case, several lines of one name allowed."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    host: str = "127.0.0.1:4747"

    def lines(self) -> list[tuple[str, str]]:
        length = (("Content-Length", str(len(self.body))),) if self.body else ()
        return [("Host", self.host), *self.headers, *length]


JSON = ("Content-Type", "application/json")
NOVU = (("Authorization", "ApiKey k"), JSON)
SUPRSEND = (("Authorization", "Bearer key"), JSON)
ORDER = b'{"name": "welcome", "to": "ada", "payload": {"n": 5, "tags": ["a", "b"]}}'
EVENT = b'{"distinct_id": "ada", "event": "bought"}'
CALLS = (
    Sent("POST", "/v1/events/trigger", (*NOVU, ("Idempotency-Key", "k1")), ORDER),                                # 1
    Sent("POST", "/v1/events/trigger", (*NOVU, ("Idempotency-Key", "k1")), ORDER),                                # 2
    Sent("POST", "/v1/events/trigger", NOVU, b'{"name": "welcome"}'),                                             # 3
    Sent("POST", "/event/?x=1&x=2&y=a%20b", (*SUPRSEND, ("X-Tag", "a"), ("X-Tag", "b"), ("Cookie", "c=1; d=2")), EVENT),  # 4
    Sent("POST", "/event", SUPRSEND, EVENT),                                                                      # 5
    Sent("POST", "/event/", (JSON,), EVENT),                                                                      # 6
    Sent("POST", "/nowhere", (("Content-Type", "application/x-www-form-urlencoded"),), b"a=1&a=2&b=&c=d+e", "mock.example:8080"),  # 7
    Sent("GET", "/event/"),                                                                                       # 8
    Sent("POST", "/v1/events/trigger", NOVU, b"{"),                                                               # 9
    Sent("POST", "/nowhere", (("Authorization", "Basic " + base64.b64encode(b"u:p").decode()),), b"\xff\x00"),    # 10
    Sent("GET", "/v1/users/ada%20b/keys?q=caf%C3%A9", (("X-Tag", "caf\xe9"),)),                                   # 11
    Sent("DELETE", "/v1/users/bob/keys", (("When", "2026-11-20T11:00:00Z"), ("Count", "7"))),                     # 12
)  # fmt: skip
ALL = set(range(1, 13))

TABLE: list[tuple[dict[str, Any], set[int]]] = [
    ({},                                                     ALL),
    # method
    ({"method": "POST"},                                     {1, 2, 3, 4, 5, 6, 7, 9, 10}),
    ({"method": "get"},                                      {8, 11}),
    ({"method": "ANY"},                                      ALL),
    ({"method": "any"},                                      ALL),
    ({"method": "PATCH"},                                    set()),
    # URLs
    ({"url": "/event/"},                                     {6, 8}),
    ({"url": "/event/?x=1&x=2&y=a%20b"},                     {4}),
    ({"url": "/event/?x=2&x=1"},                             set()),
    ({"urlPath": "/event/"},                                 {4, 6, 8}),
    ({"urlPath": "/event"},                                  {5}),
    ({"urlPath": "/event/?x=1&x=2"},                         set()),
    ({"urlPath": "/EVENT/"},                                 set()),
    ({"urlPattern": "/event/.*"},                            {4, 6, 8}),
    ({"urlPattern": "/event/\\?x=1.*"},                      {4}),
    ({"urlPattern": "/event"},                               {5}),
    ({"urlPattern": "vent/"},                                set()),
    ({"urlPathPattern": "/event/?"},                         {4, 5, 6, 8}),
    ({"urlPathPattern": ".*x=1.*"},                          set()),
    ({"urlPathPattern": "/v1/.+"},                           {1, 2, 3, 9, 11, 12}),
    ({"urlPathTemplate": "/v1/users/{id}/keys"},             {11, 12}),
    ({"urlPathTemplate": "/v1/users/{id}"},                  set()),
    ({"urlPathTemplate": "/v1/{a}/{b}"},                     {1, 2, 3, 9}),
    ({"urlPathTemplate": "/event/"},                         {4, 6, 8}),
    ({"urlPathTemplate": "/v1/users/{id}/keys", "pathParameters": {"id": {"equalTo": "bob"}}},      {12}),
    ({"urlPathTemplate": "/v1/users/{id}/keys", "pathParameters": {"id": {"equalTo": "ada b"}}},    {11}),
    ({"urlPathTemplate": "/v1/users/{id}/keys", "pathParameters": {"id": {"matches": "[a-z]+"}}},   {12}),
    # headers, query, cookies, forms
    ({"headers": {"X-Tag": {"equalTo": "b"}}},               {4}),
    ({"headers": {"x-tAG": {"equalTo": "a"}}},               {4}),
    ({"headers": {"X-Tag": {"equalTo": "a, b"}}},            set()),
    ({"headers": {"X-Tag": {"equalTo": "caf\xe9"}}},         {11}),
    ({"headers": {"X-Tag": {"absent": True}}},               ALL - {4, 11}),
    ({"headers": {"X-Tag": {"doesNotContain": "a"}}},        ALL - {11}),
    ({"headers": {"X-Tag": {"hasExactly": [{"equalTo": "b"}, {"equalTo": "a"}]}}}, {4}),
    ({"headers": {"X-Tag": {"hasExactly": [{"equalTo": "a"}]}}}, set()),
    ({"headers": {"X-Tag": {"includes": [{"equalTo": "a"}]}}}, {4}),
    ({"headers": {"Authorization": {"contains": "key"}, "Content-Type": {"matches": ".*json"}}}, {4, 5}),
    ({"headers": {"When": {"before": "now"}}},               {12}),
    ({"headers": {"When": {"after": "now -30 minutes"}}},    set()),
    ({"headers": {"Count": {"greaterThanNumber": 6}}},       {12}),
    ({"queryParameters": {"x": {"equalTo": "2"}}},           {4}),
    ({"queryParameters": {"X": {"equalTo": "2"}}},           set()),
    ({"queryParameters": {"x": {"hasExactly": [{"equalTo": "2"}, {"equalTo": "1"}]}}}, {4}),
    ({"queryParameters": {"y": {"equalTo": "a b"}}},         {4}),
    ({"queryParameters": {"q": {"equalTo": "caf\xe9"}}},     {11}),
    ({"queryParameters": {"x": {"absent": True}, "q": {"absent": True}}}, ALL - {4, 11}),
    ({"cookies": {"d": {"equalTo": "2"}}},                   {4}),
    ({"cookies": {"D": {"equalTo": "2"}}},                   set()),
    ({"cookies": {"c": {"absent": True}}},                   ALL - {4}),
    ({"formParameters": {"a": {"equalTo": "2"}}},            {7}),
    ({"formParameters": {"b": {"equalTo": ""}}},             {7}),
    ({"formParameters": {"c": {"equalTo": "d e"}}},          {7}),
    ({"formParameters": {"z": {"absent": True}}},            ALL),
    ({"formParameters": {"{": {"equalTo": ""}}},             set()),
    # bodies
    ({"bodyPatterns": []},                                   ALL),
    ({"bodyPatterns": [{"absent": True}]},                   {8, 11, 12}),
    ({"bodyPatterns": [{"contains": "welcome"}]},            {1, 2, 3}),
    ({"bodyPatterns": [{"contains": "welcome"}, {"contains": "ada"}]}, {1, 2}),
    ({"bodyPatterns": [{"doesNotContain": "a"}]},            {8, 9, 10, 11, 12}),
    ({"bodyPatterns": [{"equalToJson": {"event": "bought", "distinct_id": "ada"}}]}, {4, 5, 6}),
    ({"bodyPatterns": [{"equalToJson": {"event": "bought"}, "ignoreExtraElements": True}]}, {4, 5, 6}),
    ({"bodyPatterns": [{"equalToJson": {"event": "bought"}}]}, set()),
    ({"bodyPatterns": [{"matchesJsonPath": "$.payload.tags[?(@ == 'b')]"}]}, {1, 2}),
    ({"bodyPatterns": [{"matchesJsonPath": "$[?(@.event == 'bought')]"}]}, {4, 5, 6}),
    ({"bodyPatterns": [{"matchesJsonPath": {"expression": "$.payload.n", "equalTo": "5"}}]}, {1, 2}),
    ({"bodyPatterns": [{"matchesJsonSchema": {"type": "object", "required": ["name"]}}]}, {1, 2, 3}),
    ({"bodyPatterns": [{"binaryEqualTo": "/wA="}]},          {10}),
    ({"bodyPatterns": [{"equalTo": "{"}]},                   {9}),
    # where it came from and went to
    ({"basicAuthCredentials": {"username": "u", "password": "p"}}, {10}),
    ({"basicAuthCredentials": {"username": "u", "password": "x"}}, set()),
    ({"host": {"equalTo": "mock.example"}},                  {7}),
    ({"port": 8080},                                         {7}),
    ({"port": 4747},                                         ALL - {7}),
    ({"scheme": "http"},                                     ALL),
    ({"scheme": "https"},                                    set()),
    ({"clientIp": {"equalTo": "127.0.0.1"}},                 ALL),
    ({"clientIp": {"matches": "10\\..*"}},                   set()),
    # ours
    ({"api": "suprsend"},                                    {4, 5, 6, 8}),
    ({"api": ["suprsend", "novu"]},                          {1, 2, 3, 4, 5, 6, 8, 9}),
    ({"api": "alloy"},                                       set()),
    ({"operation": "event-api"},                             {4, 5, 6, 8}),
    ({"operation": ["v2-event", "EventsController_trigger"]}, {1, 2, 3, 9}),
    ({"outcome": "admitted"},                                {1, 4, 5}),
    ({"outcome": "repeated"},                                {2}),
    ({"outcome": ["refused", "scripted"]},                   {3, 6, 7, 8, 9, 10, 11, 12}),
    ({"status": 201},                                        {1, 2}),
    ({"status": [401, 405]},                                 {6, 8}),
    # what a call is about
    ({"name": "welcome"},                                    {1, 2, 3}),
    ({"name": ["bought", "welcom"]},                         {4, 5, 6}),
    ({"name": "nothing"},                                    set()),
    ({"recipient": "ada"},                                   {1, 2, 4, 5, 6}),
    ({"recipient": ["bob", "eve"]},                          set()),
    ({"name": "welcome", "recipient": "ada", "reason": "invalid"}, set()),
    ({"reason": "no-route"},                                 {7, 10, 11, 12}),
    ({"reason": ["unauthenticated", "wrong-method", "malformed", "invalid"]}, {3, 6, 8, 9}),
    # joined by "and"; null is nothing
    ({"method": "POST", "urlPath": "/event/", "api": "suprsend", "outcome": "admitted"}, {4}),
    ({"method": "GET", "urlPath": "/event/", "outcome": "admitted"}, set()),
    ({"method": "POST", "headers": {"Authorization": {"absent": True}}, "bodyPatterns": [{"contains": "ada"}]}, {6}),
    ({"method": "GET", "url": None, "urlPath": None, "headers": None, "bodyPatterns": None, "api": None}, {8, 11}),
    ({"multipartPatterns": [], "customMatcher": None, "method": "DELETE"}, {12}),
]  # fmt: skip
IDS = [f"{number}-{'-'.join(pattern) or 'all'}" for number, (pattern, _) in enumerate(TABLE)]


def request_of(sent: Sent) -> Request:
    """Return a call as the engine gets it: names of headers in lower case."""
    path, _, query = sent.target.partition("?")
    lines = packed([(name.lower().encode(), value.encode("latin-1")) for name, value in sent.lines()])
    return Request(sent.method, path, query, unpacked(lines), lines, sent.body, "127.0.0.1")


def played(world: World | None = None) -> World:
    """Send the calls through the engine of a world, at noon."""
    world = world or World(Blueprint(load_bundled()), Clock(lambda: NOON), random.Random(7).getrandbits)
    for sent in CALLS:
        settle(world, answer(world, request_of(sent)), 0.0)
    return world


def play(address: str, prefix: str = "") -> None:
    """Send the calls to a server."""
    connection = http.client.HTTPConnection(address, timeout=10)
    for sent in CALLS:
        connection.putrequest(sent.method, prefix + sent.target, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.lines():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(sent.body or None)
        connection.getresponse().read()
    connection.close()
