"""Files: what is found, what is refused, and with which sentence."""

from pathlib import Path
from typing import Any

import pytest

from mockserver import loading
from mockserver.configuration import keep_of, limit_of, pair_of, settings_of
from mockserver.engine.faults import SpecError
from mockserver.engine.world import UserLimit
from mockserver.loading import bundled_names, load_bundled, load_config, load_spec, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2026-11-20", {"a": "2026-11-20"}),
        ("a: no", {"a": "no"}),
        (
            "a: [true, null, 0o17, 0x1f, 0123, 1e3, .5, 1_0]",
            {"a": [True, None, 15, 31, 123, 1000.0, 0.5, "1_0"]},
        ),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("", None),
    ],
)
def test_yaml_is_read_as_its_core_schema(tmp_path: Path, text: str, value: Any) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_yaml(path, "x.yaml") == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "is not valid YAML"),
        ("a: 1\na: 2", "the key 'a' stands twice (line 2, column 1)"),
        ("a: !!python/object:os.system x", "is not valid YAML"),
        ("1: 2", "the key '1' is not a text; put it into quotes"),
        ("? [a, b]\n: c", "is not a text"),
        ("a: !!timestamp x", "is not valid YAML"),
        ('a: !!bool "abc"', "is not valid YAML"),
        ("a: !!int abc", "is not valid YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_yaml_that_cannot_be_read(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SpecError) as caught:
        read_yaml(path, "x.yaml")
    assert sentence in str(caught.value)


def test_bundled_apis_are_loaded_by_name() -> None:
    assert bundled_names() == ["alloy", "novu", "opensend", "suprsend"]
    assert [api.name for api in load_bundled(["suprsend", "novu", "suprsend"])] == ["suprsend", "novu"]
    with pytest.raises(SpecError, match="nova: no such API; did you mean novu") as caught:
        load_bundled(["nova", "novu", "x"])
    assert [file for file, _, _ in caught.value.problems] == ["nova", "x"]


def test_an_unrelated_folder_is_never_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "mockserver"
    package.mkdir(parents=True)
    (tmp_path / "site" / "specs").mkdir()
    monkeypatch.setattr(loading, "__file__", str(package / "loading.py"))
    with pytest.raises(SpecError, match="the bundled specs are neither in"):
        loading.folder("specs")


@pytest.mark.parametrize(
    ("words", "pointer", "sentence"),
    [
        ({"chekcs": []}, "/x-mock/chekcs", 'is not a known member. Did you mean "checks"?'),
        ({"answers": {"nope": {"status": 1}}}, "/x-mock/answers", "must be one of"),
        ({"answers": {"invalid": {}}}, "/x-mock/answers/invalid/status", "is required"),
        ({"rateLimit": {"limit": 0, "window": "5"}}, "/x-mock/rateLimit/limit", "must be >= 1"),
        (
            {"deviations": [{"id": "A b", "evidence": "x"}]},
            "/x-mock/deviations/0/id",
            "must match the pattern",
        ),
        ({"mediaType": "maybe"}, "/x-mock/mediaType", "must be one of"),
    ],
)
def test_a_typo_in_the_extension_is_told_with_its_place(
    tmp_path: Path, words: Any, pointer: str, sentence: str
) -> None:
    import json

    path = tmp_path / "x.yaml"
    path.write_text(json.dumps({"openapi": "3.1.0", "x-mock": words, "paths": {}}), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(path, "x")
    assert [(file, place) for file, place, text in caught.value.problems if sentence in text] == [
        ("x.yaml", pointer)
    ], caught.value


@pytest.mark.parametrize("text", ["[]", "a: 1", "openapi: 3.0.0", "swagger: '2.0'"])
def test_another_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"must be an OpenAPI 3\.1 document"):
        load_spec(path, "x")


# The configuration


def test_no_configuration_is_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(None) == {}
    (tmp_path / "mockserver.yaml").write_text("limits: {novu: 5/1s}", encoding="utf-8")
    assert load_config(None) == {"limits": {"novu": "5/1s"}}
    (tmp_path / "mockserver.yaml").write_text("", encoding="utf-8")
    assert load_config(None) == {}


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
    assert [(file, place) for file, place, told in caught.value.problems if sentence in told] == [
        (str(path), pointer)
    ], caught.value


def test_a_configuration_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("config", "options", "sentence"),
    [
        (
            {"keys": {"nova": "k"}},
            {},
            "no API named 'nova' is served; there are alloy, novu, opensend, suprsend",
        ),
        ({}, {"limits": ["novu"]}, "'novu' must be written API=VALUE"),
        ({}, {"limits": ["novu=5"]}, "'5' is not a limit; write calls per window, as in 5/1s"),
        ({}, {"limits": ["novu=0/1s"]}, "'0/1s' is not a limit"),
        ({}, {"limits": ["novu=5/0s"]}, "a window without length"),
        ({}, {"limits": ["novu=5/1w"]}, "'1w' is not a duration"),
        ({}, {"keys": ["=k"]}, "'=k' must be written API=VALUE"),
        ({}, {"keep": "many"}, "'many' is not a bound"),
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
            "mockserver.yaml /limits/x: no API named 'x' is served",
        ),
        ({}, {"limits": ["novu=9999999999/1s"]}, "is not a limit"),
        ({}, {"limits": ["novu=5/99999d"]}, "more than ten years"),
    ],
)
def test_settings_that_cannot_be_used(config: Any, options: Any, sentence: str) -> None:
    with pytest.raises((ValueError, SpecError)) as caught:
        settings_of(config, load_bundled(), **options)
    assert sentence in str(caught.value)


def test_options_join_and_win_over_the_configuration() -> None:
    config = {
        "keys": {"novu": ["a"], "opensend": {"b": "forbidden"}},
        "limits": {"novu": "5/1s", "alloy": "1/1m"},
    }
    settings = settings_of(config, load_bundled(), keys=["novu=c"], limits=["novu=2/10s"], keep="10,1KiB")
    assert settings.policies["novu"].keys == {"a": "allowed", "c": "allowed"}
    assert settings.policies["novu"].is_strict
    assert not settings.policies["opensend"].is_strict
    assert settings.limits == {"novu": UserLimit(2, 10.0), "alloy": UserLimit(1, 60.0)}
    assert (settings.most_calls, settings.most_bytes) == (10, 1024)


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
    settings = settings_of(config, load_bundled(["novu"]), known=bundled_names())
    assert set(settings.policies) == {"novu"}
    with pytest.raises(SpecError, match="no API named 'nova' is served"):
        settings_of({"keys": {"nova": "k"}}, load_bundled(["novu"]), known=bundled_names())
