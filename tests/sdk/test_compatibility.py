"""The table of the README: made from the records, and each remark in it by a rule; the specs agree with the records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sdk import compatibility, records
from tests.sdk.compatibility import README, REMARKS, renewed, rewritten
from tests.sdk.driving import DRIVERS, PINS
from tests.sdk.scenarios import SCENARIOS, scenarios_of
from tests.sdk.sdks import SDKS, TRIGGERS, Sdk, specified

JSON = Any
HOSTS = {"host.py"}
DONE = {"status": 201, "outcome": "admitted", "path": "/v1/things"}
RETURNED = {"returned": {"id": 1}}


def refused(status: int, **more: JSON) -> JSON:
    return {
        "status": status,
        "outcome": "scripted",
        "path": "/v1/things",
        "answered": {"message": "no, not now"},
        **more,
    }


def raised(kind: str = "ApiError", status: int | None = 429, message: str = "no, not now") -> JSON:
    return {"raised": {"type": kind, "status": status, "message": message}}


def seen(*answers: JSON, calls: tuple[JSON, ...] = (DONE,)) -> JSON:
    return {"sdk": [*answers], "journal": [*calls]}


PLAIN = {
    "success": seen(RETURNED),
    "429": seen(raised(), calls=(refused(429),)),
    "refused key": seen(raised(), calls=(refused(401),)),
    "no key": seen(raised(), calls=(refused(401),)),
    "short key": seen(RETURNED),
    "invalid": seen(raised(), calls=(refused(422),)),
    "slash": seen(RETURNED),
}
AGAIN = {**DONE, "waited": "as long as asked"}


def remarks(changed: Mapping[str, JSON], facts: Mapping[str, JSON]) -> list[str]:
    record = {"facts": facts, "scenarios": {**PLAIN, **changed}}
    return [remark for rule in REMARKS for remark in rule(record)]


@pytest.mark.parametrize(
    ("changed", "facts", "expected"),
    [
        ({}, {}, []),
        (
            {"429": seen(RETURNED, calls=(refused(429), AGAIN))}, {},
            ["retries 429", "honours `Retry-After`"],
        ),
        (
            {"429": seen(RETURNED, calls=(refused(429), {**AGAIN, "waited": "less than asked"}))},
            {"retriesForSeconds": 3600.0},
            ["retries 429 for up to 1 h", "does not honour `Retry-After`"],
        ),
        (
            {"409": seen(RETURNED, calls=(refused(409), DONE)), "503": seen(RETURNED, calls=(refused(503), DONE))},
            {"retriesTimes": 3},
            ["retries 409 and 503, 3 times"],
        ),
        (
            {"503": seen(RETURNED, calls=(refused(503, **{"idempotency-key": "<key 1>"}), {**DONE, "idempotency-key": "<key 2>"}))},
            {},
            ["retries 503", "sends a new `Idempotency-Key` on each attempt, unless given one"],
        ),
        (
            {"503": seen(RETURNED, calls=(refused(503, **{"idempotency-key": "<key 1>"}), {**DONE, "idempotency-key": "<key 1>"}))},
            {},
            ["retries 503", "makes an `Idempotency-Key`, and keeps it when it retries"],
        ),
        (
            {"success": seen(RETURNED, calls=({**DONE, "idempotency-key": "<key 1>"},))}, {},
            ["sends an `Idempotency-Key` of its own"],
        ),
        ({"422": seen(RETURNED, calls=(refused(422),))}, {}, ["takes a 422 for success"]),
        (
            {"409": seen(raised("JSONDecodeError", None), calls=({**DONE, "status": 409},))}, {},
            ["raises `JSONDecodeError` on a 409 without a body"],
        ),
        (
            {
                "409": seen(raised("TypeError", None), calls=(refused(409),)),
                "503": seen(raised("TypeError", None), calls=(refused(503),)),
            },
            {},
            ["raises `TypeError` on a 409 and 503"],
        ),
        (
            {"429": seen({"returned": {"success": False}, "ok": False}, calls=(refused(429),))}, {},
            ["returns failures instead of raising them"],
        ),
        (
            {
                "refused key": seen(raised(message="Unknown error"), calls=(refused(401),)),
                "invalid": seen(raised(message="Unknown error"), calls=(refused(422),)),
            },
            {},
            ["keeps the server's message to itself"],
        ),
        (
            {"invalid": seen(raised("ValueError", None), raised(), calls=(refused(422),))}, {},
            ["checks requests before it sends them"],
        ),
        ({"no key": seen(raised("ConfigError", None), calls=())}, {}, ["without a key it raises `ConfigError`"]),
        (
            {"no key": seen(RETURNED, calls=({**DONE, "authorization": "Bearer None"},))}, {},
            ["without a key it sends `Bearer None`"],
        ),
        ({"short key": seen(raised("ConfigError", None), calls=())}, {}, ["refuses short keys"]),
        (
            {"slash": seen(RETURNED, calls=({**DONE, "path": "//v1/things"},))}, {},
            ["with a slash at the end of the URL it sends `//v1/things`"],
        ),
        ({}, {"timeoutSeconds": 5.0}, ["waits 5 s for an answer"]),
    ],
)  # fmt: skip
def test_a_remark_follows_from_the_record(
    changed: Mapping[str, JSON], facts: Mapping[str, JSON], expected: list[str]
) -> None:
    told = remarks(changed, facts)
    assert sorted(told) == sorted(expected if "retries" in str(expected) else ["does not retry", *expected])


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (seen(RETURNED), "1 ✓"),
        (seen(raised(), calls=(refused(429),)), "1 ✓"),
        (seen(RETURNED, calls=(refused(429), AGAIN)), "0 ✓; retried: 429"),
        (seen(RETURNED, calls=(refused(429),)), "0 ✓; taken for success: 429"),
        (seen(raised("TypeError", None), calls=(refused(429),)), "0 ✓; crashes: 429"),
        (seen(raised("ConfigError", None), calls=()), "0 ✓; refuses: 429"),
        ({"unsupported": "it has no such thing"}, "0 ✓; cannot: 429"),
    ],
)
def test_a_scenario_has_a_word(scenario: JSON, expected: str) -> None:
    assert compatibility.passed({"scenarios": {"429": scenario}}) == expected


def test_the_readme_has_the_table_that_the_records_make() -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme == rewritten(readme), "run: make test-sdk ARGS=--record"


def test_every_scenario_is_described() -> None:
    told = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = [f"| {each.name} | {each.about} |" for each in SCENARIOS]
    assert [row for row in rows if row not in told] == []


def test_every_file_belongs_to_an_sdk() -> None:
    names = {sdk.name for sdk in SDKS}
    assert {path.stem for path in records.RECORDS.iterdir()} == names
    assert {path.name.removesuffix(".txt") for path in PINS.iterdir()} == names
    assert {sdk.driver for sdk in SDKS} == {path.name for path in DRIVERS.iterdir() if path.is_file()} - HOSTS


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
def test_a_record_has_every_scenario_and_its_own_version(sdk: Sdk) -> None:
    record = records.read(sdk.name)
    assert [*record["scenarios"]] == [scenario.name for scenario in scenarios_of(sdk)]
    assert (record["package"], record["registry"]) == (sdk.package, sdk.registry)
    pins = "".join(path.read_text(encoding="utf-8") for path in PINS.glob(f"{sdk.name}*") if path.is_file())
    assert sdk.registry != "PyPI" or f"{sdk.package}=={record['version']}\n" in pins


@pytest.mark.parametrize("api", TRIGGERS)
def test_the_specs_say_which_sdks_renew_their_keys(api: str) -> None:
    renewing: dict[tuple[str, str], set[str]] = {}
    for sdk in SDKS:
        if sdk.api == api:
            renewing.setdefault((sdk.registry, sdk.package), set()).update(renewed(records.read(sdk.name)))
    known = {
        (each["registry"], each["package"]): set(each.get("renews", ())) for each in specified(api)["sdk"]
    }
    assert {sdk: known[sdk] for sdk in renewing} == renewing
