"""Which SDKs are tried, and what is asked of each API in words of its own that no SDK has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.loading import folder, read_yaml

JSON = Any


def specified(api: str) -> Mapping[str, JSON]:
    """Return what a spec says of its whole API."""
    return dict(read_yaml(folder("specs") / f"{api}.yaml", api)["x-mock"])


@dataclass(frozen=True)
class Sdk:
    """An SDK of a version; ``name`` is that of its pins and its record.

    ``package`` and ``registry`` are as in ``x-mock.sdk`` of the spec of ``api``. One that is not current is an old
    version that people still have: the run with the newest versions leaves it out.
    """

    name: str
    api: str
    registry: Literal["PyPI", "npm"]
    package: str
    driver: str
    is_current: bool = True
    takes_for_success: frozenset[int] = frozenset()  # refusals that it hands back as if they were none
    undeclared: tuple[str, ...] = ()  # what it needs besides and does not say: for installing without pins

    @property
    def known(self) -> Mapping[str, JSON]:
        """What the spec says of it."""
        asked = (self.package, self.registry)
        (found,) = (
            each for each in specified(self.api)["sdk"] if (each["package"], each["registry"]) == asked
        )
        return dict(found)

    @property
    def slash(self) -> str:
        """How the base URL ends in the code that the spec gives."""
        return "/" if '{url}/"' in self.known["code"] else ""


SDKS = (
    Sdk("novu-py", "novu", "PyPI", "novu-py", "novu_py.py"),
    Sdk("novu-py-1.3", "novu", "PyPI", "novu-py", "novu_py.py", is_current=False),
    Sdk("novu", "novu", "PyPI", "novu", "novu.py", undeclared=("setuptools<82",)),
    Sdk("suprsend-py-sdk", "suprsend", "PyPI", "suprsend-py-sdk", "suprsend.py"),
    Sdk("suprsend-py-sdk-0.13", "suprsend", "PyPI", "suprsend-py-sdk", "suprsend.py", is_current=False),
    Sdk("resend-py", "opensend", "PyPI", "resend", "resend.py"),
)


@dataclass(frozen=True)
class Trigger:
    """What a trigger of an API is: the neutral request, one that breaks its contract, and where repeats are told.

    The first of ``invalid`` is also given to the SDK's own checks. ``same_transaction`` and ``same_key`` are what is added to a call so
    that another one with the same is its repeat, and the dedup rule that says so; None where the API has no such thing.
    """

    request: Mapping[str, JSON]
    invalid: tuple[Mapping[str, JSON], ...]
    success: int
    refused: int
    operations: frozenset[str]
    same_transaction: tuple[Mapping[str, JSON], str] | None = None
    same_key: tuple[Mapping[str, JSON], str] | None = None


KEY = "order-7"

TRIGGERS: Mapping[str, Trigger] = {
    "novu": Trigger(
        {"name": "welcome", "to": "ada", "payload": {"order": 7, "lines": [{"sku": "ä"}]}},
        invalid=({"to": "ada", "payload": {}}, {"name": "welcome", "to": 5, "payload": {}}),
        success=201,
        refused=422,
        operations=frozenset({"EventsController_trigger"}),
        same_transaction=({"request": {"transactionId": KEY}}, "transaction-id"),
        same_key=({"idempotencyKey": KEY}, "idempotency-key"),
    ),
    "suprsend": Trigger(
        {"event": "ORDER SHIPPED", "distinct_id": "ada", "properties": {"order": 7, "lines": [{"sku": "ä"}]}},
        invalid=({"event": "ORDER SHIPPED", "properties": {}},),
        success=202,
        refused=400,
        operations=frozenset({"event-api", "v2-event"}),
        same_key=({"request": {"idempotency_key": KEY}}, "idempotency-key"),
    ),
    "alloy": Trigger(
        {"event": "order-shipped", "userId": "ada", "data": {"order": 7, "lines": [{"sku": "ä"}]}},
        invalid=({"userId": "ada", "data": {}},),
        success=200,
        refused=400,
        operations=frozenset({"run-event"}),
    ),
    "opensend": Trigger(
        {
            "event": "order.shipped",
            "email": "ada@example.com",
            "payload": {"order": 7, "lines": [{"sku": "ä"}]},
        },
        invalid=({"event": "order.shipped", "payload": {}},),
        success=202,
        refused=422,
        operations=frozenset({"send-event"}),
    ),
}
