# mypy: ignore-errors
"""Calls a server with the real novu-py, and prints one JSON object per call: what its caller would see.

Run by ``tests/test_sdks.py`` with the Python that has the SDK: ``novu_calls.py URL SCENARIO``.
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from novu_py import Novu, models

PLAIN = {"workflow_id": "welcome", "to": {"subscriber_id": "ada", "email": "ada@example.org"}}
HELD_BACK = {"Prefer": "wait=0.5"}
ANY_KEY = "any"


def trigger(novu: Novu, request: object = PLAIN, **options: object) -> dict[str, object]:
    try:
        result = novu.trigger(trigger_event_request_dto=request, **options).result
    except models.NovuError as error:
        told = getattr(error, "data", error)
        return {"error": type(error).__name__, "status": error.status_code, "message": told.message}
    return {
        "acknowledged": result.acknowledged,
        "status": result.status.value,
        "transactionId": result.transaction_id,
    }


def success(novu: Novu, _: str) -> Iterator[dict[str, object]]:
    yield trigger(novu, {**PLAIN, "payload": {"order": 7, "lines": [{"sku": "ä"}]}})


def same_transaction(novu: Novu, _: str) -> Iterator[dict[str, object]]:
    for _attempt in range(2):
        yield trigger(novu, {**PLAIN, "transaction_id": "order-7"})


def same_key(novu: Novu, _: str) -> Iterator[dict[str, object]]:
    for _attempt in range(2):
        yield trigger(novu, idempotency_key="order-7")


def twice(novu: Novu, _: str) -> Iterator[dict[str, object]]:
    yield trigger(novu)
    yield trigger(novu)


def twice_without_retries(_: Novu, url: str) -> Iterator[dict[str, object]]:
    yield from twice(Novu(secret_key=ANY_KEY, server_url=url, retry_config=None), url)


def invalid(novu: Novu, _: str) -> Iterator[dict[str, object]]:
    """Send what the models would not let through: one without a name, and one to a number."""
    yield trigger(novu, models.TriggerEventRequestDto.model_construct(workflow_id=None, to="ada"))
    yield trigger(novu, models.TriggerEventRequestDto.model_construct(workflow_id="welcome", to=5))


def both_at_once(novu: Novu, url: str) -> Iterator[dict[str, object]]:
    """Send two calls with one key at the same time, each held back; whichever is second has to come again."""
    start, clients = Barrier(2), [novu, Novu(secret_key=ANY_KEY, server_url=url)]

    def call(client: Novu) -> dict[str, object]:
        start.wait(10)
        return trigger(client, idempotency_key="order-7", http_headers=HELD_BACK)

    with ThreadPoolExecutor() as pool:
        yield from pool.map(call, clients)


SCENARIOS = {
    each.__name__: each
    for each in (success, same_transaction, same_key, twice, twice_without_retries, invalid, both_at_once)
}

if __name__ == "__main__":
    server_url, scenario = sys.argv[1:]
    with Novu(secret_key=ANY_KEY, server_url=server_url) as sdk:
        for step in SCENARIOS[scenario](sdk, server_url):
            sys.stdout.write(f"{json.dumps(step)}\n")
