"""Signed requests: each algorithm and encoding, where a signature stands, and what it covers."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.policy import Policy
from mockserver.engine.world import Settings, World
from tests.engine.specs import OPERATION, api, call, request, world

SECRET = "päss:wörd"
BODY = b'{"name": "ada", "x": "\xc3\xa4"}'
PARTS = ["{$method}", "{$mock.target}", "{$mock.digest(sha256)}", "{$request.header.X-Time}"]
SCHEME = "/components/securitySchemes"
WORDS = {"missing": "none", "unsigned": "not signed", "signature": "wrongly signed"}


def signing(signature: Mapping[str, Any], pattern: str = "Key ([^:]*)(?::(.*))?") -> World:
    changes = {
        "/x-mock/checks": ["parsing", "authentication", "validation"],
        "/x-mock/answers/unauthenticated": {"status": 401, "example": "error"},
        f"{OPERATION}/security": [{"key": []}],
        SCHEME: {
            "key": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "x-mock": {
                    "pattern": pattern,
                    "wording": WORDS,
                    "signature": {
                        "algorithm": "hmac-sha256", "encoding": "hex", "parts": PARTS, **signature,
                    },
                },
            }
        },
    }  # fmt: skip
    policy = Policy({"k": "allowed"}, secrets={"k": SECRET})
    return world(api(changes), settings=Settings({"things": policy}))


def asked(
    authorization: str, more: Mapping[str, str] | None = None, path: str = "/things", query: str = "q=%20"
) -> Request:
    headers = {"authorization": authorization, "x-time": "noon", **(more or {})}
    return request(raw=BODY, headers=headers, path=path, query=query)


def signed(algorithm: str, text: str) -> bytes:
    return hmac.new(SECRET.encode(), text.encode(), algorithm).digest()


TEXT = f"POST\n/things?q=%20\n{hashlib.sha256(BODY).hexdigest()}\nnoon"


def judged(where: World, sent: Request) -> Exchange:
    return call(where, sent)[1]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize(
    ("encoding", "write"),
    [
        ("hex", bytes.hex),
        ("base64", lambda digest: base64.b64encode(digest).decode()),
        ("base64url", lambda digest: base64.urlsafe_b64encode(digest).decode().rstrip("=")),
    ],
)
def test_each_algorithm_in_each_encoding(
    algorithm: str, encoding: str, write: Callable[[bytes], str]
) -> None:
    where = signing({"algorithm": f"hmac-{algorithm}", "encoding": encoding})
    right = write(signed(algorithm, TEXT))
    assert judged(where, asked(f"Key k:{right}")).outcome == "admitted"
    other_case = judged(where, asked(f"Key k:{right.swapcase()}"))
    assert (other_case.outcome == "admitted") is (encoding == "hex")
    for wrong in (right[:-1], right + "0", "ä", write(signed(algorithm, TEXT + " "))):
        exchange = judged(where, asked(f"Key k:{wrong}"))
        assert exchange.reason == "unauthenticated"
        assert exchange.findings[0]["keyword"] == "signature"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("{$method}", "POST"),
        ("{$mock.target}", "/things?q=%20"),
        ("{$mock.digest(md5)}", hashlib.md5(BODY).hexdigest()),  # noqa: S324 - no security hangs on it
        ("{$mock.digest(sha1)}", hashlib.sha1(BODY).hexdigest()),  # noqa: S324 - as above
        ("{$mock.digest(sha512)}", hashlib.sha512(BODY).hexdigest()),
        ("{$mock.bodyText}", BODY.decode()),
        ("v0:{$request.header.X-Time}:{$mock.bodyText}", f"v0:noon:{BODY.decode()}"),
        ("{$request.header.X-None}", ""),
        ("{$request.query.q}", " "),
    ],
)
def test_what_a_part_may_be(part: str, text: str) -> None:
    where = signing({"parts": [part, "end"], "separator": "|"})
    assert judged(where, asked(f"Key k:{signed('sha256', f'{text}|end').hex()}")).outcome == "admitted"


def test_a_signature_may_stand_in_a_header_of_its_own() -> None:
    where = signing({"sent": "{$request.header.X-Signature}", "prefix": "sha256="}, "Key (.*)")
    right = signed("sha256", TEXT).hex()
    assert judged(where, asked("Key k", {"x-signature": f"sha256={right}"})).outcome == "admitted"
    for header in ({}, {"x-signature": right}, {"x-signature": "sha256="}):
        exchange = judged(where, asked("Key k", header))
        assert exchange.reason == "unauthenticated"
        [finding] = exchange.findings
        assert (finding["in"], finding["pointer"]) == ("header", "/x-signature")
        assert finding["keyword"] == ("signature" if header else "unsigned")


def test_the_prefix_of_a_namespace_is_signed_as_it_was_sent() -> None:
    where = signing({})
    right = signed("sha256", TEXT.replace("/things", "/~checkout-42/things")).hex()
    sent = asked(f"Key k:{right}")
    assert judged(where, sent).reason == "unauthenticated"
    assert judged(where, replace(sent, prefix="/~checkout-42")).outcome == "admitted"


def test_what_should_have_been_signed_is_told_and_the_secret_is_not() -> None:
    [finding] = judged(signing({}), asked("Key k:0")).findings
    digest = hashlib.sha256(BODY).hexdigest()
    assert finding["fix"] == (
        "Sign with the secret of this key, by hmac-sha256, in hex, these parts joined by '\\n': "
        f'"POST", "/things?q=%20", "{digest}", "noon".'
    )
    assert "rd" not in str(finding).replace("word", "")
    assert signed("sha256", TEXT).hex() not in str(finding)


@pytest.mark.parametrize(
    ("authorization", "keyword"),
    [
        ("Key k", "unsigned"),
        ("Key k:", "unsigned"),
        ("Key other:0", "refused"),
        ("Key :0", "empty"),
        ("Token k:0", "scheme"),
    ],
)
def test_other_faults_are_told_as_ever(authorization: str, keyword: str) -> None:
    assert [each["keyword"] for each in judged(signing({}), asked(authorization)).findings] == [keyword]


def test_a_prefix_may_be_any_text_and_a_body_hold_half_a_character() -> None:
    where = signing({"parts": ["{$mock.bodyText}"], "prefix": "é="}, "Key ([^:]*)(?::(.*))?")
    raw = b'{"name": "\\ud800 \xc3\xa4"}'
    right = hmac.new(SECRET.encode(), raw, "sha256").hexdigest()
    for text in (f"é={right}", right):
        exchange = judged(where, request(raw=raw, headers={"authorization": f"Key k:{text}"}))
        assert (exchange.reason == "unauthenticated") is (text == right)


def test_without_a_body_there_is_no_digest() -> None:
    where = signing({"parts": ["{$mock.digest(md5)}", "{$mock.bodyText}", "x"]})
    sent = request(raw=b"", headers={"authorization": f"Key k:{signed('sha256', chr(10) * 2 + 'x').hex()}"})
    changed = replace(sent, headers={**sent.headers})
    assert judged(where, changed).reason != "unauthenticated"
