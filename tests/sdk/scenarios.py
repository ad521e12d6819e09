"""What every SDK goes through: each scenario plays against a server of its own, and says what must hold for any SDK.

What one SDK does beyond that is no assertion here but stands in its record.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mockserver.client import ApiView, Call, MockServer
from mockserver.client.handle import Options
from tests.sdk.driving import ANSWERS_WITHIN, Driver
from tests.sdk.sdks import TRIGGERS, Sdk, specified
from tests.sdk.sides import both_sides

JSON = Any
RETRY_AFTER = 3  # seconds: longer than the first pause that any SDK makes by itself
SLOW = 1.0  # seconds
OTHER_KEY = "a-key-that-no-sdk-has"
ANY_KEY = "a-key-of-some-length"  # some SDKs count the characters


class Unsupported(Exception):  # noqa: N818 - it is no error
    """The SDK cannot do what a scenario is about."""


@dataclass
class Stage:
    """An SDK, the server that it is pointed at, and what both have seen."""

    sdk: Sdk
    driver: Driver
    mock: MockServer
    answers: list[JSON] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trigger = TRIGGERS[self.sdk.api]
        self.base = self.api.url

    @property
    def api(self) -> ApiView:
        """The API in the namespace that the SDK is pointed at."""
        return self.mock.api(self.sdk.api)

    @property
    def calls(self) -> list[Call]:
        """What the journal has, oldest first."""
        return self.mock.calls

    def asked(self, **changes: JSON) -> JSON:
        """Return a request to the driver."""
        request = {**self.trigger.request, **changes.pop("request", {})}
        plain = {"call": "trigger", "url": f"{self.base}{self.sdk.slash}", "key": ANY_KEY, "request": request}
        return {**plain, **changes}

    def ask(self, **changes: JSON) -> JSON:
        """Let the SDK make a call. Raises `Unsupported`."""
        return self.take(self.driver.ask(self.asked(**changes)))

    def take(self, answer: JSON) -> JSON:
        """Keep what the SDK has answered. Raises `Unsupported`."""
        if "unsupported" in answer:
            raise Unsupported(answer["unsupported"])
        self.answers.append(answer)
        return answer

    # What must hold

    def succeeded(self, answer: JSON) -> None:
        """Assert that the SDK reports success."""
        assert answer["ok"], answer

    def failed(self, answer: JSON) -> None:
        """Assert that the SDK does not report success, but where it is known to."""
        calls = self.calls
        is_swallowed = bool(calls) and calls[-1].status in self.sdk.takes_for_success
        assert answer["ok"] is is_swallowed, answer

    def verdicts(self, *expected: tuple[int, str, str | None]) -> None:
        """Assert status, outcome and reason of all calls, and that those with an operation have the right one."""
        calls = self.calls
        assert [(call.status, call.outcome, call.reason) for call in calls] == list(expected)
        assert {call.operation for call in calls} <= self.trigger.operations

    @property
    def done(self) -> tuple[int, str, None]:
        """The verdict on a call that is admitted, as the spec has it."""
        return self.trigger.success, "admitted", None

    def one_success(self) -> None:
        """Let the SDK trigger; assert that both sides see one success, and no more."""
        self.succeeded(self.ask())
        self.verdicts(self.done)
        (call,) = self.calls
        assert (call.name, call.recipient) == tuple(self.trigger.request.values())[:2]


@dataclass(frozen=True)
class Scenario:
    """A scenario: its name in the records, its word in the table, what it plays, and how the server is started."""

    name: str
    play: Callable[[Stage], None]
    options: Callable[[Sdk], Options] = lambda _: {}
    apis: frozenset[str] = frozenset(TRIGGERS)

    @property
    def about(self) -> str:
        """One sentence."""
        return (self.play.__doc__ or "").strip()


def success(stage: Stage) -> None:
    """A trigger with a payload that is nested."""
    stage.one_success()


def as_documented(stage: Stage) -> None:
    """A trigger with the code that the spec and the README give, run as it stands."""
    code = stage.sdk.known["code"].replace("{url}", stage.base)
    stage.succeeded(stage.ask(code=code))
    stage.verdicts(stage.done)


def repeated(stage: Stage, same: tuple[Mapping[str, JSON], str]) -> None:
    added, rule = same
    first, second = stage.ask(**added), stage.ask(**added)
    stage.succeeded(first)
    assert first == second
    stage.verdicts(stage.done, (stage.trigger.success, "repeated", None))
    original, repeat = stage.calls
    assert (repeat.repeat_of, repeat.rule) == (original.number, rule)


def same_transaction(stage: Stage) -> None:
    """The same transaction id twice."""
    assert stage.trigger.same_transaction is not None
    repeated(stage, stage.trigger.same_transaction)


def same_key(stage: Stage) -> None:
    """The same idempotency key twice."""
    assert stage.trigger.same_key is not None
    repeated(stage, stage.trigger.same_key)


def same_call(stage: Stage) -> None:
    """The same call twice, without any key."""
    stage.succeeded(stage.ask())
    stage.succeeded(stage.ask())
    stage.verdicts(stage.done, stage.done)


def refused_once(stage: Stage, status: int, answer: JSON) -> None:
    """Assert that a call whose first attempt is refused ends well if the SDK came again, and badly if not."""
    first, *more = stage.calls
    assert (first.status, first.outcome) == (status, "scripted")
    assert len(more) <= 1, "it came again after its success"
    if more:
        stage.succeeded(answer)
        assert (more[0].status, more[0].outcome) == (stage.trigger.success, "admitted")
    else:
        stage.failed(answer)


def throttled(stage: Stage) -> None:
    """A 429 with `Retry-After: 3`, once."""
    stage.api.respond(status=429, retry_after=RETRY_AFTER)
    answer = stage.ask()
    refused_once(stage, 429, answer)
    assert stage.calls[0].answer is not None
    assert stage.calls[0].answer.headers["retry-after"] == str(RETRY_AFTER)


def throttled_without_retries(stage: Stage) -> None:
    """A 429 with the SDK's retries switched off."""
    stage.api.respond(status=429, retry_after=RETRY_AFTER)
    stage.failed(stage.ask(retries=False))
    assert [call.status for call in stage.calls] == [429]


def counted_limit(stage: Stage) -> None:
    """A rate limit of one call a second, and two calls at once."""
    stage.mock.limits[stage.sdk.api] = "1/1s"
    stage.mock.clock.freeze()  # however long an SDK takes for its two calls, the second comes too early
    stage.succeeded(stage.ask())
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(stage.ask)
        stage.mock.wait_for(count=2, timeout=ANSWERS_WITHIN)
        stage.mock.clock.release()
        answer = asked.result()
    first, second, *more = stage.calls
    assert (first.status, first.outcome) == (stage.trigger.success, "admitted")
    assert (second.status, second.reason) == (429, "rate-limited")
    assert second.answer is not None
    assert second.answer.headers["retry-after"] == "1"
    if more:
        stage.succeeded(answer)
        assert [each.outcome for each in more] == ["admitted"]
    else:
        stage.failed(answer)


def forced(stage: Stage, status: int) -> None:
    stage.api.respond(status=status)
    refused_once(stage, status, stage.ask())


def conflict(stage: Stage) -> None:
    """A 409, once."""
    forced(stage, 409)


def unprocessable(stage: Stage) -> None:
    """A 422, once."""
    forced(stage, 422)


def unavailable(stage: Stage) -> None:
    """A 503, once."""
    forced(stage, 503)


def other_body(stage: Stage) -> None:
    """The same idempotency key with another body."""
    assert stage.trigger.same_key is not None
    added, _ = stage.trigger.same_key
    stage.succeeded(stage.ask(**added))
    stage.failed(stage.ask(**added, request={"payload": {"order": 8}}))
    stage.verdicts(stage.done, (422, "refused", "key-reused"))


def long_key(stage: Stage) -> None:
    """An idempotency key of more characters than the API takes."""
    stage.failed(stage.ask(idempotencyKey="k" * 256))
    stage.verdicts((400, "refused", "key-too-long"))


def in_flight(stage: Stage) -> None:
    """Two calls with one idempotency key at the same time: whichever is second gets a 409."""
    assert stage.trigger.same_key is not None
    added, _ = stage.trigger.same_key
    stage.mock.delay(0.5, times=1)  # shorter than the Retry-After of the 409
    both = stage.driver.ask({"together": [stage.asked(**added)] * 2})["together"]
    first, second = sorted((stage.take(answer) for answer in both), key=lambda each: not each["ok"])
    stage.succeeded(first)
    conflict = stage.calls[1].answer
    assert conflict is not None
    assert conflict.headers["retry-after"] == "1"
    verdicts = [stage.done, (409, "refused", "in-flight")]
    if second["ok"]:
        assert first == second
        verdicts.append((stage.trigger.success, "repeated", None))
    stage.verdicts(*verdicts)


def without_a_key(stage: Stage) -> None:
    """No key at all."""
    answer = stage.ask(key=None)
    calls = stage.calls
    if calls and calls[0].outcome == "admitted":  # it had to put something into the header
        assert calls[0].headers["authorization"].split()[-1] in {"None", "null", "undefined"}
        stage.succeeded(answer)
    else:
        stage.failed(answer)
        stage.verdicts(*[(401, "refused", "unauthenticated")] * len(calls))


def short_key(stage: Stage) -> None:
    """A key of three characters; any will do, but some SDKs count them."""
    answer = stage.ask(key="any")
    calls = stage.calls
    assert answer["ok"] is bool(calls), answer
    stage.verdicts(*[stage.done] * len(calls))


def accepted_key(stage: Stage) -> None:
    """The one key that is accepted."""
    stage.one_success()


def bearer_key(stage: Stage) -> None:
    """An API key instead of a pair that signs."""
    stage.succeeded(stage.ask(secret=None))
    stage.verdicts(stage.done)
    (call,) = stage.calls
    assert call.headers["authorization"] == f"Bearer {ANY_KEY}"
    assert "signed-authorization" not in call.deviations


def refused_key(stage: Stage) -> None:
    """A key that is not accepted."""
    stage.failed(stage.ask())
    stage.verdicts((401, "refused", "unauthenticated"))


def invalid(stage: Stage) -> None:
    """Requests that break the contract; sent past the SDK's own checks where they keep them back."""
    first, *others = stage.trigger.invalid
    stage.failed(send(stage, first))
    for request in others if stage.calls else stage.trigger.invalid:
        stage.failed(send(stage, request, unchecked=True))
    stage.verdicts(*[(stage.trigger.refused, "refused", "invalid")] * len(stage.trigger.invalid))


def send(stage: Stage, request: Mapping[str, JSON], **changes: JSON) -> JSON:
    return stage.take(stage.driver.ask({**stage.asked(), "request": request, **changes}))


def attachment(stage: Stage) -> None:
    """An attachment by its URL."""
    url = "https://example.com/order-7.pdf"
    stage.succeeded(stage.ask(request={"attachments": [url]}))
    stage.verdicts(stage.done)
    ((attached,),) = [call.json["properties"]["$attachments"] for call in stage.calls]
    assert (attached["url"], attached.get("data")) == (url, None)


def slow(stage: Stage) -> None:
    """An answer that is held back for a second."""
    stage.mock.delay(SLOW, times=1)
    stage.one_success()


def prefix(stage: Stage) -> None:
    """A base URL with a path."""
    assert stage.base.endswith("/mock/it")
    stage.one_success()
    assert stage.calls[0].path.startswith("/mock/it/")


def namespace(stage: Stage) -> None:
    """A namespace of the server as base URL."""
    outside, stage.mock = stage.mock, stage.mock.namespace("checkout-42")
    stage.base = stage.api.url
    stage.one_success()
    assert outside.calls == []


def with_a_slash(stage: Stage) -> None:
    """A base URL with a slash at its end."""
    stage.succeeded(stage.ask(url=f"{stage.base}/"))
    stage.verdicts(stage.done)


def without_a_slash(stage: Stage) -> None:
    """A base URL without a slash at its end."""
    stage.succeeded(stage.ask(url=stage.base))
    stage.verdicts(stage.done)


FORCED = ("409", "422", "429", "503")  # what is refused once, whatever is sent
SCENARIOS = (
    Scenario("success", success),
    Scenario("as documented", as_documented),
    Scenario("same transaction", same_transaction, apis=frozenset({"novu"})),
    Scenario("same key", same_key, apis=frozenset({"novu", "suprsend"})),
    Scenario("same call", same_call),
    Scenario("other body", other_body, apis=frozenset({"novu"})),
    Scenario("long key", long_key, apis=frozenset({"novu"})),
    Scenario("in flight", in_flight, apis=frozenset({"novu"})),
    Scenario("429", throttled),
    Scenario("429, no retries", throttled_without_retries),
    Scenario("rate limit", counted_limit),
    Scenario("409", conflict),
    Scenario("422", unprocessable),
    Scenario("503", unavailable),
    Scenario("no key", without_a_key),
    Scenario("short key", short_key),
    Scenario("accepted key", accepted_key, lambda sdk: {"keys": {sdk.api: ANY_KEY}}),
    Scenario(
        "bearer key", bearer_key, lambda sdk: {"keys": {sdk.api: ANY_KEY}}, apis=frozenset({"suprsend"})
    ),
    Scenario("refused key", refused_key, lambda sdk: {"keys": {sdk.api: OTHER_KEY}}),
    Scenario("invalid", invalid),
    Scenario("attachment", attachment, apis=frozenset({"suprsend"})),
    Scenario("slow", slow),
    Scenario("prefix", prefix, lambda sdk: {"prefixes": {sdk.api: "/mock/it"}}),
    Scenario("namespace", namespace),
    Scenario("slash", with_a_slash),
    Scenario("no slash", without_a_slash),
)


def scenarios_of(sdk: Sdk) -> list[Scenario]:
    """Return the scenarios that an SDK goes through."""
    return [scenario for scenario in SCENARIOS if sdk.api in scenario.apis]


def check_user_agents(sdk: Sdk, calls: Sequence[Call]) -> None:
    """Assert that what the spec says of the User-Agent of SDKs tells this one from the others."""
    for known in specified(sdk.api)["sdk"]:
        if pattern := known.get("userAgent"):
            matched = {re.search(pattern, call.headers["user-agent"]) is not None for call in calls}
            assert matched <= {known == sdk.known}, f"{known['package']} has the userAgent {pattern!r}"


def play(scenario: Scenario, sdk: Sdk, driver: Driver) -> JSON:
    """Play a scenario, and return both sides of it for the record."""
    with MockServer(**scenario.options(sdk)) as mock:
        stage = Stage(sdk, driver, mock)
        try:
            scenario.play(stage)
        except Unsupported as why:
            assert not stage.calls, "the SDK could do it"
            return {"unsupported": str(why)}
        check_user_agents(sdk, stage.calls)
        return both_sides(stage.answers, stage.calls, mock.url)
