"""Files: what is found, what is refused, and with which sentence."""

from pathlib import Path
from typing import Any

import pytest

from mockserver import loading
from mockserver.engine.faults import SpecError
from mockserver.loading import bundled_names, load_bundled, load_spec, read_yaml


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
        ("a: 1\na: 2", "x.yaml:2: is not valid YAML: the key 'a' stands twice (column 1)"),
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
    with pytest.raises(SpecError, match="there is no API named 'nova'; did you mean novu") as caught:
        load_bundled(["nova", "novu", "x"])
    assert len(caught.value.problems) == 2


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
        ({"answers": {"invald": {"status": 1}}}, "/x-mock/answers/invald", 'Did you mean "invalid"?'),
        ({"answers": {"invalid": {}}}, "/x-mock/answers/invalid/status", "is required"),
        ({"rateLimit": {"limit": 0, "window": "5"}}, "/x-mock/rateLimit/limit", "must be >= 1"),
        (
            {"deviations": [{"id": "A b", "evidence": "x"}]},
            "/x-mock/deviations/0/id",
            "is not a name; write words",
        ),
        ({"mediaType": "maybe"}, "/x-mock/mediaType", "must be one of"),
    ],
)
def test_a_typo_in_the_extension_is_told_with_its_place(
    tmp_path: Path, words: Any, pointer: str, sentence: str
) -> None:
    import json

    path = tmp_path / "x.yaml"
    path.write_text(
        json.dumps(
            {"openapi": "3.1.0", "info": {"title": "X", "version": "1"}, "x-mock": words, "paths": {}}
        ),
        encoding="utf-8",
    )
    with pytest.raises(SpecError) as caught:
        load_spec(path, "x")
    told = [
        (each.file, each.pointer, each.line) for each in caught.value.problems if sentence in each.sentence
    ]
    assert told == [(str(path), pointer, 1)], caught.value
