"""CORS for browser callers: the origin is echoed, what is asked for is allowed, and every answer can be read.

``*`` is never sent: it does not cover ``Authorization`` and fails with credentials. Preflights may not be
cached (``Max-Age: 0``), so that they stay visible and a changed policy acts at once.
"""

from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from mockserver.engine.contract import Api
from mockserver.engine.headers import Pairs

ALWAYS_EXPOSED: Final = (
    "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy",
    "Idempotency-Key", "Idempotency-Replay", "Link", "Preference-Applied", "sl-violations",
    "Allow", "X-Mock-Call-Id", "Matched-Stub-Id", "Matched-Stub-Name", "X-Request-Id",
)  # fmt: skip
READABLE: Final = frozenset({
    "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
})  # fmt: skip
"""What every page may read without leave, by the Fetch standard."""

Headers = list[tuple[bytes, bytes]]


def is_preflight(scope: Scope) -> bool:
    """Tell whether a browser asks for leave: OPTIONS with an origin and a method."""
    if scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names


def preflight_headers(scope: Scope) -> Headers:
    """Return the headers of a preflight's answer: whatever is asked for is allowed."""
    asked = dict(scope["headers"])
    headers = [
        (b"access-control-allow-origin", asked[b"origin"]),
        (b"access-control-allow-methods", asked[b"access-control-request-method"]),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-max-age", b"0"),
        (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    ]
    if b"access-control-request-headers" in asked:
        headers.append((b"access-control-allow-headers", asked[b"access-control-request-headers"]))
    if asked.get(b"access-control-request-private-network") == b"true":
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers


class Cors:
    """The headers that let a page of any origin call the data plane."""

    def __init__(self, apis: Iterable[Api]) -> None:
        self._exposed: list[str] = []
        self._readable = set(READABLE)
        for name in (*ALWAYS_EXPOSED, *_answered_headers(apis)):
            if name.lower() not in self._readable:
                self._readable.add(name.lower())
                self._exposed.append(name)

    def headers(self, origin: str, answered: Pairs = ()) -> Headers:
        """Return the headers to add to the answer to a page of an origin.

        A rule may have answered with headers that no spec names.
        """
        more = dict.fromkeys(name for name, _ in answered if name.lower() not in self._readable)
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", ", ".join([*self._exposed, *more]).encode("latin-1")),
            (b"vary", b"Origin"),
        ]


def _answered_headers(apis: Iterable[Api]) -> Iterable[str]:
    for api in apis:
        for operation in api.operations:
            for answer in [operation.success, *operation.answers.values(), *operation.documented.values()]:
                yield from (name for name, _ in answer.headers)
            for rule in operation.dedup.values():
                yield from (name for name, _ in (*rule.always, *rule.repeat))
            if operation.rate_limit is not None:
                yield from (name for name, _ in operation.rate_limit.headers)
