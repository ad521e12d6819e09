"""What the user sets: three layers, what wins, what is refused, and with which sentence."""

from pathlib import Path
from typing import Any

import pytest

from mockserver import loading
from mockserver.configuration import clock_of, keep_of, limit_of, prefix_of, settings_of
from mockserver.engine.faults import SpecError
from mockserver.engine.world import UserLimit
from mockserver.loading import bundled_names, load_bundled, load_config, table
from mockserver.options import Configuration, configure, pair_of
from tests.conversations import configured


def test_no_configuration_is_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert loading.config_path(None) is None
    assert load_config(None) == {}
    path = tmp_path / "mockserver.yaml"
    path.write_text("limits: {novu: 5/1s}", encoding="utf-8")
    found = loading.config_path(None)
    assert found == Path("mockserver.yaml")
    assert {place: given.value for place, given in load_config(found).items()} == {("limits", "novu"): "5/1s"}
    path.write_text("", encoding="utf-8")
    assert load_config(found) == {}


@pytest.mark.parametrize(
    ("text", "pointer", "sentence"),
    [
        ("limit: {}", "/limit", 'is not a known member. Did you mean "limits"?'),
        ("limits: {novu: 5}", "/limits/novu", "must be a string"),
        ("keys: {novu: 5}", "/keys/novu", "must be a string, an array or an object"),
        ("keys: {novu: {a: maybe}}", "/keys/novu/a", 'must be one of "allowed", "forbidden"'),
        ("catalogue: {novu: {unknown: no}}", "/catalogue/novu/unknown", 'must be one of "refuse", "accept"'),
        ("- a", "", "must be an object, not an array"),
        ("[]", "", "must be an object, not an array"),
        ("false", "", "must be an object, not a boolean"),
    ],
)
def test_a_fault_of_the_configuration_is_told_with_its_place(
    tmp_path: Path, text: str, pointer: str, sentence: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_config(path)
    told = [
        (each.file, each.pointer, each.line) for each in caught.value.problems if sentence in each.sentence
    ]
    assert told == [(str(path), pointer, 1)], caught.value


def test_a_configuration_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("config", "options", "sentence"),
    [
        (
            {"keys": {"nova": "k"}},
            {},
            "mockserver.yaml: /keys/nova: no API named 'nova' is served; did you mean novu?",
        ),
        ({}, {"limits": ["novu"]}, "--limit: 'novu' must be written API=VALUE"),
        ({}, {"limits": ["novu=5"]}, "--limit: '5' is not a limit; write calls per window, as in 5/1s"),
        ({}, {"limits": ["novu=0/1s"]}, "'0/1s' is not a limit"),
        ({}, {"limits": ["novu=5/0s"]}, "a window without length"),
        ({}, {"limits": ["novu=5/1w"]}, "'1w' is not a duration"),
        ({}, {"keys": ["=k"]}, "--key: what was given must be written API=VALUE"),
        ({}, {"keep": "many"}, "--keep: 'many' is not a bound"),
        ({}, {"keep": "0"}, "'0' is not a bound"),
        ({}, {"keep": "5,big"}, "'big' is not a size"),
        ({"catalogue": {"suprsend": {}}}, {}, "suprsend has no catalogue"),
        (
            {"catalogue": {"novu": {"names": {"a": {"payload": {"type": "strin"}}}}}},
            {},
            "is not a JSON Schema",
        ),
        (
            {"catalogue": {"novu": {"names": {"a/b": {"payload": {"requird": []}}}}}},
            {},
            "/catalogue/novu/names/a~1b/payload/requird: the keyword 'requird' is not known; did you mean required?",
        ),
        (
            {"catalogue": {"novu": {"names": {"a": {"payload": {"$ref": "http://127.0.0.1:9/x"}}}}}},
            {},
            "/catalogue/novu/names/a/payload: is not a JSON Schema",
        ),
        (
            {"catalogue": {"novu": {"names": {"a": {"payload": {"$ref": "file:///etc/hostname"}}}}}},
            {},
            "only references within it are followed",
        ),
        (
            {"catalogue": {"novu": {"names": {"a": {"status": "error"}}}}},
            {},
            "'error' is not a status of the catalogue; there are processed, trigger_not_active",
        ),
        ({"catalogue": {"alloy": {"names": {"a": {"status": "x"}}}}}, {}, "alloy answers none"),
        (
            {"keys": {"nova": "k"}, "limits": {"x": "5/0s"}},
            {},
            "mockserver.yaml: /limits/x: no API named 'x' is served",
        ),
        ({}, {"limits": ["novu=9999999999/1s"]}, "is not a limit"),
        ({}, {"limits": ["novu=5/99999d"]}, "longer than ten years"),
    ],
)
def test_settings_that_cannot_be_used(config: Any, options: Any, sentence: str) -> None:
    with pytest.raises((ValueError, SpecError)) as caught:
        settings_of(configured(config, **options), load_bundled())
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("5", (5, 128 * 1024**2)),
        ("5,100", (5, 100)),
        ("5, 2KiB", (5, 2048)),
        ("5,3MiB", (5, 3 * 1024**2)),
        ("5,1GB", (5, 10**9)),
        ("5,7B", (5, 7)),
    ],
)
def test_bounds(text: str, bounds: tuple[int, int]) -> None:
    assert keep_of(text) == bounds


def test_limits_and_pairs() -> None:
    assert limit_of("100/1.5m") == UserLimit(100, 90.0)
    assert pair_of("novu=a=b") == ("novu", "a=b")


def test_what_is_said_of_an_api_that_is_not_served_is_passed_over() -> None:
    config = {"keys": {"novu": "k", "opensend": "k"}, "catalogue": {"opensend": {"names": {"a": {}}}}}
    settings = settings_of(configured(config), load_bundled(["novu"]), bundled_names())
    assert set(settings.policies) == {"novu"}
    for wrong in (configured({"keys": {"nova": "k"}}), configured({}, keys="opensend=k")):
        with pytest.raises(SpecError, match="is served; "):
            settings_of(wrong, load_bundled(["novu"]), bundled_names())


# Three layers

FILE = {"port": 1, "profile": "published", "keys": {"novu": ["a"], "alloy": "b"}, "limits": {"novu": "5/1s"}}


def layered(environment: dict[str, str], **typed: str | list[str]) -> Configuration:
    texts = {name: [text] if isinstance(text, str) else text for name, text in typed.items()}
    layers = (table().of_file(FILE, "m.yaml"), table().of_environment(environment), table().of_command(texts))
    return configure(table(), *layers)


@pytest.mark.parametrize(
    ("environment", "typed", "key", "value", "source"),
    [
        ({}, {}, "host", "127.0.0.1", None),
        ({}, {}, "port", 1, "m.yaml"),
        ({"MOCKSERVER_PORT": "2"}, {}, "port", 2, "MOCKSERVER_PORT"),
        ({"MOCKSERVER_PORT": "2"}, {"port": "3"}, "port", 3, "--port"),
        ({}, {"watch": "true"}, "watch", True, "--watch"),
        ({"MOCKSERVER_WATCH": "yes"}, {"watch": "false"}, "watch", False, "--watch"),
        ({"MOCKSERVER_API": "novu suprsend"}, {}, "apis", ["novu", "suprsend"], "MOCKSERVER_API"),
        ({"MOCKSERVER_API": "novu"}, {"apis": ["alloy,novu", "opensend"]}, "apis", ["alloy", "novu", "opensend"], "--api"),
        ({"MOCKSERVER_SPEC": "'a b.yaml' c.yaml"}, {}, "specs", ["a b.yaml", "c.yaml"], "MOCKSERVER_SPEC"),
        ({}, {"keys": ["novu=x", "novu=y"]}, "keys", {"novu": ["x", "y"], "alloy": "b"}, None),
        ({"MOCKSERVER_LIMIT": "novu=1/1s alloy=2/1s"}, {"limits": "novu=9/1s"}, "limits", {"novu": "9/1s", "alloy": "2/1s"}, None),
        ({"MOCKSERVER_ON_INVALID": "report"}, {}, "on-invalid", "report", "MOCKSERVER_ON_INVALID"),
        ({"MOCKSERVER_PORT": ""}, {}, "port", 1, "m.yaml"),
    ],
)  # fmt: skip
def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    environment: dict[str, str], typed: dict[str, Any], key: str, value: Any, source: str | None
) -> None:
    configuration = layered(environment, **typed)
    assert configuration[key] == value
    given = configuration.given.get((key,))
    assert (given.source if given is not None else None) == source


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MOCKSERVER_PORT": "high"}, "MOCKSERVER_PORT: 'high' is not a whole number"),
        ({"MOCKSERVER_PORT": "99999"}, "MOCKSERVER_PORT: must be <= 65535"),
        ({"MOCKSERVER_WATCH": "maybe"}, "MOCKSERVER_WATCH: 'maybe' is neither true nor false"),
        ({"MOCKSERVER_PROFILE": "publishd"}, 'MOCKSERVER_PROFILE: must be one of "observed", "published". Did you mean "published"?'),
        ({"MOCKSERVER_LIMIT": "novu=1/1s novu=2/1s"}, "MOCKSERVER_LIMIT: novu is given twice, as 1/1s and 2/1s"),
        ({"MOCKSERVER_SPEC": "'a"}, "MOCKSERVER_SPEC: No closing quotation"),
    ],
)  # fmt: skip
def test_a_variable_that_cannot_be_used_is_told(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        table().of_environment(environment)
    assert sentence in str(caught.value)


def test_a_variable_that_is_not_ours_is_told_with_the_one_that_was_meant() -> None:
    names = [
        "MOCKSERVER_PROT",
        "MOCKSERVER_URL",
        "MOCKSERVER_NOVU_URL",
        "MOCKSERVER_PORT",
        "PORT",
        "MOCKSERVER_CONFIG",
        "MOCKSERVER_BROWSER",
    ]
    assert list(table().unknown_variables(names)) == [
        "MOCKSERVER_PROT is not known; did you mean MOCKSERVER_PORT?"
    ]


@pytest.mark.parametrize("text", ["5", "2026-13-01", "tomorrow", ""])
def test_a_time_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 2026-11-20T12:00:00Z"):
        clock_of(text)


def test_times_without_a_zone_are_in_utc() -> None:
    assert clock_of("2026-11-20T12:00:00") == clock_of("2026-11-20T13:00:00+01:00") == 1795176000.0


@pytest.mark.parametrize("text", ["novu", "/novu/", "/", "/a//b", "/{x}", "/a b", "/__admin", "/~a"])
def test_a_prefix_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ValueError, match="is not a prefix|is the mock's own"):
        prefix_of(text)


def test_files_that_a_configuration_names_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text(
        "specs: [a.yaml, /b.yaml]\njournal: out/calls.jsonl\n", encoding="utf-8"
    )
    configuration = configure(table(), load_config(tmp_path / "mockserver.yaml"))
    assert configuration["specs"] == [str(tmp_path / "a.yaml"), "/b.yaml"]
    assert configuration["journal"] == str(tmp_path / "out" / "calls.jsonl")
