# mypy: ignore-errors
"""Calls a server with the real suprsend-py-sdk, and prints one JSON object per call: what its caller would see.

Run by ``tests/test_sdks.py`` with the Python that has the SDK: ``suprsend_calls.py URL SCENARIO``.
"""

import json
import sys
import time
from collections.abc import Iterator

from suprsend import Event, Suprsend, SuprsendValidationError

WORKSPACE_KEY = "a-key-of-a-workspace"  # the SDK wants 20 characters
RETRY_AFTER = 2  # seconds; the SDK does not show headers, so the test compares it with the answer's


def track(client: Suprsend, event: Event | None = None) -> dict[str, object]:
    try:
        return client.track_event(
            event or Event("ada", "ORDER SHIPPED", {"order": 7, "lines": [{"sku": "ä"}]})
        )
    except SuprsendValidationError as error:
        return {"error": type(error).__name__, "message": str(error)}


def success(client: Suprsend, _: str) -> Iterator[dict[str, object]]:
    yield track(client)


def with_api_key(_: Suprsend, url: str) -> Iterator[dict[str, object]]:
    yield track(Suprsend.with_workspace_api_key(WORKSPACE_KEY, "an-api-key", base_url=f"{url}/"))


def same_key(client: Suprsend, _: str) -> Iterator[dict[str, object]]:
    for _attempt in range(2):
        yield track(client, Event("ada", "ORDER SHIPPED", idempotency_key="order-7"))


def too_often(client: Suprsend, _: str) -> Iterator[dict[str, object]]:
    yield track(client)
    yield track(client)
    time.sleep(RETRY_AFTER)
    yield track(client)


def invalid(client: Suprsend, _: str) -> Iterator[dict[str, object]]:
    """Send an event that the SDK itself refuses; then one past its checks."""
    yield track(client, Event("ada", "E"))
    yield client._eventcollector.send({"event": "ORDER SHIPPED"})


def attachment(client: Suprsend, _: str) -> Iterator[dict[str, object]]:
    event = Event("ada", "ORDER SHIPPED")
    event.add_attachment("https://bitcoincore.org/bitcoin.pdf")
    yield track(client, event)


SCENARIOS = {
    each.__name__: each for each in (success, with_api_key, same_key, too_often, invalid, attachment)
}

if __name__ == "__main__":
    server_url, scenario = sys.argv[1:]
    sdk = Suprsend(WORKSPACE_KEY, "secret", base_url=f"{server_url}/")
    for step in SCENARIOS[scenario](sdk, server_url):
        sys.stdout.write(f"{json.dumps(step)}\n")
