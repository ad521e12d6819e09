"""The vendors' own SDKs, unmodified, against a running server: what they return or raise, and what the journal records.

Specs and conversations say what the server answers; only an SDK can say whether its decoder, its retries and its error
classes get along with that. See ``README.md`` beside this file.
"""

from pathlib import Path

import pytest

from tests.sdk import records
from tests.sdk.conftest import Driving
from tests.sdk.scenarios import Scenario, play, scenarios_of
from tests.sdk.sdks import SDKS, Sdk

EACH = [pytest.param(sdk, id=sdk.name) for sdk in SDKS]
PLAYED = [
    pytest.param(sdk, scenario, id=f"{sdk.name}: {scenario.name}")
    for sdk in SDKS
    for scenario in scenarios_of(sdk)
]


@pytest.mark.parametrize("sdk", EACH)
def test_an_sdk_is_the_one_of_its_record(
    sdk: Sdk, driver_of: Driving, is_recording: bool, newest_in: Path | None
) -> None:
    driver = driver_of(sdk)
    assert driver.package == sdk.package
    seen = {
        "package": sdk.package,
        "registry": sdk.registry,
        "version": driver.version,
        "facts": driver.facts(),
    }
    record = records.read(sdk.name)
    if is_recording:
        records.merge(sdk, seen)
    else:
        newer = {"version": record["version"]} if newest_in else {}
        assert {**seen, **newer} == {name: record[name] for name in seen}


@pytest.mark.parametrize(("sdk", "scenario"), PLAYED)
def test_an_sdk_does_what_its_record_says(
    sdk: Sdk, scenario: Scenario, driver_of: Driving, is_recording: bool
) -> None:
    seen = play(scenario, sdk, driver_of(sdk))
    if is_recording:
        records.merge(sdk, {"scenarios": {scenario.name: seen}})
    else:
        recorded = records.read(sdk.name)["scenarios"].get(scenario.name, {})
        different = records.difference({scenario.name: recorded}, {scenario.name: seen}, sdk.name)
        if different:
            pytest.fail(f"{scenario.about}\n{different}", pytrace=False)
