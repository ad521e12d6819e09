"""Calls that a test sends to a mock server, as code under test would: over HTTP, to the URL of its handle."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mockserver.client import ApiView, MockServer

TRIGGER = "/v1/events/trigger"
WELCOME = {"name": "welcome", "to": ["ada"]}


@dataclass(frozen=True)
class Got:
    """What a call was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    to: MockServer | ApiView | str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    path: str = TRIGGER,
    method: str = "POST",
) -> Got:
    """Send a call; raises what its connection ends with."""
    parts = urlsplit(to if isinstance(to, str) else to.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    data = body if isinstance(body, bytes) else json.dumps(WELCOME if body is None else body).encode()
    sent = {"Authorization": "ApiKey s3cret-key", "Content-Type": "application/json", **(headers or {})}
    try:
        connection.request(method, parts.path + path, data, sent)
        response = connection.getresponse()
        shown = {name.lower(): value for name, value in response.getheaders()}
        return Got(response.status, shown, response.read())
    finally:
        connection.close()
