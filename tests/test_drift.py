"""mockserver drift: the vendors' documents of today differ in nothing, changed copies in what was changed; pages, addresses, reports."""

import copy
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.drift import fetching
from mockserver.drift.differences import Difference
from mockserver.drift.pages import digest_of
from mockserver.drift.survey import drift_of, survey
from mockserver.engine.faults import SpecError
from mockserver.engine.values import ABSENT, steps_of, walk
from mockserver.loading import bundled, read_yaml
from mockserver.yamltext import parse_yaml, write_yaml
from tests.published_schemas import junit_faults
from tests.test_docs import README, assert_printed, examples

PUBLISHED = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "published").glob("*.json"))
}
"""What the vendors published, without prose; references are followed."""


def vendors(name: str) -> dict[str, Any]:
    """Return a vendor's document, as OpenAPI 3.0."""
    parts = copy.deepcopy(PUBLISHED[name])
    schemes = parts.pop("securitySchemes")
    return {
        "openapi": "3.0.3",
        "info": {"title": name, "version": "2"},
        **parts,
        "components": {"securitySchemes": schemes},
    }


def page(document: Any, before: str = "") -> str:
    """Return a page as vendors write them, with a document in a block of code."""
    return (
        f"# A page\n\n{before}Words.\n\n````yaml post /somewhere\n{write_yaml(document)}````\n\nMore words.\n"
    )


def differences(name: str, document: Any) -> tuple[Difference, ...]:
    return survey(name, read_yaml(bundled()[name]), "page.md", page(document)).differences


def planted(document: Any, pointer: str, value: Any) -> None:
    """Put a value where a pointer leads; ABSENT takes away what is there."""
    parent, last = walk(document, pointer.rpartition("/")[0]), steps_of(pointer)[-1]
    place: Any = int(last) if isinstance(parent, list) else last
    if value is ABSENT:
        del parent[place]
    elif isinstance(parent, list) and place == len(parent):
        parent.append(value)
    else:
        parent[place] = value


# The vendors' documents


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_published_differs_in_nothing(name: str) -> None:
    drift = survey(name, read_yaml(bundled()[name]), "page.md", page(vendors(name)))
    assert drift.differences == ()
    assert len(drift.operations) == 1
    assert drift.others == 0


def test_what_stands_beside_a_reference_is_no_less_than_what_it_refers_to() -> None:
    """Also where the same target was compared before, without it."""
    document = vendors("novu")
    person = document["paths"]["/v1/events/trigger"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    document["components"]["schemas"] = {"Person": person["properties"]["to"]["items"]["oneOf"][0]}
    for at in ("actor", "to"):
        for plain in (True, False):
            changed = copy.deepcopy(document)
            schema = changed["paths"]["/v1/events/trigger"]["post"]["requestBody"]["content"][
                "application/json"
            ]["schema"]["properties"]
            branches = {
                name: (schema[name] if name == "actor" else schema[name]["items"])["oneOf"]
                for name in ("actor", "to")
            }
            for name, listed in branches.items():
                position = next(
                    n
                    for n, each in enumerate(listed)
                    if "properties" in each and "subscriberId" in each["properties"]
                )
                listed[position] = {"$ref": "#/components/schemas/Person"}
                if name == at and not plain:
                    listed[position]["required"] = ["email"]
            changed["openapi"] = "3.1.0"
            found = [each for each in differences("novu", changed) if each.subject == "required"]
            assert [each.is_breaking for each in found] == ([] if plain else [True]), at


def test_every_bundled_api_can_be_compared() -> None:
    """Those without a published document were written from a page in prose, whose digest is kept."""
    for name, path in bundled().items():
        assert ("digest" in read_yaml(path)["x-mock"]["source"]) == (name not in PUBLISHED)


TRIGGER, EVENT, RUN = "/paths/~1v1~1events~1trigger/post", "/paths/~1event~1/post", "/paths/~1run~1event/post"
BODY = "requestBody/content/application~1json/schema"
PLANTED: list[tuple[str, str, Any, str, str, bool]] = [
    # api, where, what is put there                                              what is told of it
    ("novu", f"{TRIGGER}/{BODY}/required/2", "payload", "changed", f"{TRIGGER}/{BODY}/required", True),
    ("novu", f"{TRIGGER}/{BODY}/properties/to/maxItems", 100, "added", "", True),
    ("novu", f"{TRIGGER}/{BODY}/properties/to/items/oneOf/1", ABSENT, "removed", f"{TRIGGER}/{BODY}/properties/to/items/oneOf", True),
    ("novu", f"{TRIGGER}/{BODY}/properties/to/items/oneOf/3", {"type": "integer"}, "added", "", False),
    ("novu", f"{TRIGGER}/{BODY}/properties/to/items/oneOf/2/properties/type/enum/0", ABSENT, "changed", f"{TRIGGER}/{BODY}/properties/to/items/oneOf/2/properties/type/enum", True),
    ("novu", f"{TRIGGER}/{BODY}/properties/to", {"oneOf": [{"type": "string"}, vendors("novu")["paths"]["/v1/events/trigger"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["to"]]}, "added", f"{TRIGGER}/{BODY}/properties/to/oneOf/0", False),
    ("novu", f"{TRIGGER}/{BODY}/properties/transactionId/nullable", True, "changed", "", False),
    ("novu", f"{TRIGGER}/{BODY}/properties/bridgeUrl", {"type": "string"}, "added", "", False),
    ("novu", f"{TRIGGER}/{BODY}/properties/overrides", ABSENT, "removed", "", False),
    ("novu", f"{TRIGGER}/requestBody/content/application~1json", ABSENT, "removed", "", True),
    ("novu", f"{TRIGGER}/responses/409", ABSENT, "removed", "", True),
    ("novu", f"{TRIGGER}/responses/422", {"description": "no"}, "added", "", False),
    ("novu", f"{TRIGGER}/responses/429/content/application~1json/schema/type", "object", "changed", "", True),
    ("novu", f"{TRIGGER}/responses/201/content/application~1json/schema/properties/status/enum/7", "paused", "changed", f"{TRIGGER}/responses/201/content/application~1json/schema/properties/status/enum", True),
    ("novu", f"{TRIGGER}/responses/201/content/application~1json/schema/required/0", ABSENT, "changed", f"{TRIGGER}/responses/201/content/application~1json/schema/required", True),
    ("novu", f"{TRIGGER}/responses/201/content/application~1json/schema/properties/error", ABSENT, "removed", "", True),
    ("novu", "/components/securitySchemes/api-key/name", "X-Api-Key", "changed", "", True),
    ("novu", f"{TRIGGER}/security", [], "changed", "", True),
    ("novu", f"{TRIGGER}/parameters/0", {"name": "Dry-Run", "in": "header", "required": True, "schema": {"type": "string"}}, "added", "", True),
    ("novu", f"{TRIGGER}/parameters/0", {"name": "Dry-Run", "in": "header", "schema": {"type": "string"}}, "added", "", False),
    ("novu", "/servers/0/url", "https://api2.novu.co", "changed", "/servers", True),
    ("novu", "/servers/2", {"url": "https://asia.api.novu.co"}, "changed", "/servers", False),
    ("novu", TRIGGER, ABSENT, "removed", "", True),
    ("suprsend", f"{EVENT}/{BODY}/properties/$idempotency_key/maxLength", 64, "added", "", True),
    ("suprsend", f"{EVENT}/{BODY}/properties/properties/additionalProperties", True, "removed", "", False),
    ("suprsend", f"{EVENT}/{BODY}/properties/properties/properties/$attachments/items/oneOf/0/properties/url/format", ABSENT, "removed", "", False),
    ("suprsend", f"{EVENT}/requestBody/required", True, "added", "", True),
    ("suprsend", f"{EVENT}/deprecated", True, "added", "", False),
    ("suprsend", f"{EVENT}/responses/202", ABSENT, "removed", "", True),
    ("suprsend", f"{EVENT}/security/1", {"sec0": []}, "changed", f"{EVENT}/security", False),
    ("suprsend", "/components/securitySchemes/BearerAuth/scheme", "basic", "changed", "", True),
    ("alloy", f"{RUN}/parameters/1/required", ABSENT, "removed", "", False),
    ("alloy", f"{RUN}/parameters/1/schema/default", "2026-03", "changed", "", False),
    ("alloy", f"{RUN}/parameters/1/schema/enum", ["2026-03"], "added", "", True),
    ("alloy", f"{RUN}/{BODY}/properties/userId/type", "integer", "changed", "", True),
    ("alloy", f"{RUN}/{BODY}/properties/data/additionalProperties/type", "number", "changed", "", True),
    ("alloy", f"{RUN}/responses/200/content/application~1json/schema/properties/message", ABSENT, "removed", "", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pointer", "value", "kind", "at", "is_breaking"), PLANTED)
def test_a_planted_change_is_told_at_its_pointer(
    name: str, pointer: str, value: Any, kind: str, at: str, is_breaking: bool
) -> None:
    document = vendors(name)
    planted(document, pointer, value)
    found = [(each.kind, each.pointer, each.is_breaking) for each in differences(name, document)]
    assert found == [(kind, at or pointer, is_breaking)]


def test_several_planted_changes_are_all_told() -> None:
    document = vendors("novu")
    hiding = {TRIGGER, f"{TRIGGER}/requestBody/content/application~1json"}
    rows = [row for row in PLANTED if row[0] == "novu" and row[1] not in hiding][::3]
    for _, pointer, value, *_ in rows:
        planted(document, pointer, value)
    found = {(each.kind, each.pointer, each.is_breaking) for each in differences("novu", document)}
    expected = {(kind, at or pointer, is_breaking) for _, pointer, _, kind, at, is_breaking in rows}
    assert found == expected


def test_a_move_to_another_version_of_openapi_is_no_difference() -> None:
    for name in PUBLISHED:
        assert differences(name, vendors(name) | {"openapi": "3.1.1"}) == ()


NOTED = re.compile(r"/(operationId|tags|bearerFormat)(/.*)?$")
SILENT = {
    "alloy": {"/security", f"{RUN}/deprecated", f"{RUN}/security"},
    "novu": {
        "/security",
        f"{TRIGGER}/parameters",
        f"{TRIGGER}/{BODY}/properties/to/items/oneOf/2/properties/type/type",  # its enum says as much
        f"{TRIGGER}/responses/201/content/application~1json/schema/properties/status/type",
    },
    "suprsend": {"/security", f"{EVENT}/deprecated"},
}
"""What says nothing to callers of these documents: what is so by default, and what something nearer says."""
UNUSED = re.compile(r"^/security/|/securitySchemes/sec0")


@pytest.mark.parametrize("name", PUBLISHED)
def test_whatever_is_taken_away_is_told_near_its_pointer(name: str) -> None:
    whole = vendors(name)
    for pointer in places(whole):
        if (
            pointer in ("/openapi", "/paths", "/components", "/components/securitySchemes")
            or "/info" in pointer
        ):
            continue
        document = copy.deepcopy(whole)
        planted(document, pointer, ABSENT)
        found = differences(name, document)
        is_silent = pointer in SILENT[name] or NOTED.search(pointer) or UNUSED.search(pointer)
        assert bool(found) != bool(is_silent), pointer
        parent = pointer.rpartition("/")[0]
        for each in found:
            is_near = each.pointer.startswith(parent) or pointer.startswith(each.pointer)
            assert is_near or "security" in pointer.lower(), pointer


def places(value: Any, pointer: str = "") -> Iterator[str]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, each in members:
        at = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
        yield at
        yield from places(each, at)


# Operations of any document

SPEC = """
openapi: 3.1.0
info: {title: Parcel post, version: '1'}
servers: [{url: https://parcel.example}]
security: [{key: []}]
paths:
  /parcels/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
    put:
      parameters:
        - {name: fast, in: query, schema: {type: boolean}}
        - {name: X-Tag, in: header, required: true, schema: {type: string}}
        - {name: fields, in: query, schema: {type: array, items: {type: string}}}
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses:
        '200':
          description: ok
          headers: {X-Count: {required: true, schema: {type: integer}}}
          content: {application/json: {schema: {type: object}}}
        4XX: {$ref: '#/components/responses/Refused'}
components:
  responses: {Refused: {description: no, content: {application/json: {schema: {type: object}}}}}
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}, other: {type: http, scheme: bearer}}
"""
PUT = "/paths/~1parcels~1{id}/put"


def spec() -> Any:
    return parse_yaml(SPEC)


def told(theirs: Any, ours: Any = None) -> list[tuple[str, str, str, bool]]:
    found = survey("parcel", ours or spec(), "new.json", json.dumps(theirs)).differences
    return [(each.kind, each.subject, each.pointer, each.is_breaking) for each in found]


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        (f"{PUT}/parameters/0/required", True, [("added", "is required", "", True)]),
        (f"{PUT}/parameters/0", ABSENT, [("removed", "query parameter fast", f"{PUT}/parameters", False)]),
        (f"{PUT}/parameters/1/required", False, [("removed", "is required", "", False)]),
        (f"{PUT}/parameters/1/name", "x-tag", []),
        (f"{PUT}/parameters/2/explode", False, [("changed", "explode", "", True)]),
        (f"{PUT}/parameters/2/explode", True, []),
        (f"{PUT}/parameters/2/style", "form", []),
        (f"{PUT}/parameters/2/style", "pipeDelimited", [("changed", "style", "", True), ("changed", "explode", f"{PUT}/parameters/2/explode", True)]),
        (f"{PUT}/parameters/2/schema", ABSENT, [("removed", "schema", "", False)]),
        ("/paths/~1parcels~1{id}/parameters/0/schema/maxLength", 5, [("added", "maxLength", "", True)]),
        (f"{PUT}/requestBody", ABSENT, [("removed", "request body", "", True)]),
        (f"{PUT}/requestBody/content/text~1plain", {}, [("added", "media type text/plain", "", False)]),
        (f"{PUT}/requestBody/content/application~1json/encoding", {"a": {}}, [("added", "encoding", "", True)]),
        (f"{PUT}/requestBody/content/application~1json/example", {"a": 1}, []),
        (f"{PUT}/responses/200/headers/X-Count", ABSENT, [("removed", "header x-count", f"{PUT}/responses/200/headers/x-count", True)]),
        (f"{PUT}/responses/200/headers/X-Count/required", False, [("removed", "is required", "", True)]),
        (f"{PUT}/responses/200/headers/X-Count/schema/type", "string", [("changed", "type", "", True)]),
        (f"{PUT}/responses/200/headers/X-More", {}, [("added", "header x-more", "", False)]),
        (f"{PUT}/responses/200/content/application~1json", ABSENT, [("removed", "media type application/json", "", True)]),
        (f"{PUT}/responses/200/links", {"a": {}}, []),
        ("/components/responses/Refused/content/application~1json/schema/required", ["a"], [("added", "required", "", False)]),
        (f"{PUT}/servers", [{"url": "https://parcel.example/"}], []),
        (f"{PUT}/servers", [{"url": "https://two.example"}], [("changed", "server", "", True)]),
        (f"{PUT}/security", [{"key": []}, {}], [("changed", "security", "", False)]),
        (f"{PUT}/security", [{"other": []}], [("changed", "security", "", True)]),
        (f"{PUT}/security", [{"key": [], "other": []}], [("changed", "security", "", True)]),
        ("/security", ABSENT, [("changed", "security", f"{PUT}/security", True)]),
        ("/components/securitySchemes/key/name", "x-key", []),
        ("/components/securitySchemes/key/in", "query", [("changed", "security scheme's in", "", True)]),
        ("/components/securitySchemes/other/scheme", "basic", []),
        (f"{PUT}/x-other", 1, []),
        (f"{PUT}/callbacks", {"a": {}}, []),
        ("/paths/~1parcels~1{id}/get", {"responses": {}}, []),
    ],
)  # fmt: skip
def test_what_a_change_of_an_operation_is(
    pointer: str, value: Any, expected: list[tuple[str, str, str, bool]]
) -> None:
    theirs = spec()
    planted(theirs, pointer, value)
    assert told(theirs) == [
        (kind, subject, at or pointer, breaking) for kind, subject, at, breaking in expected
    ]


def test_names_that_are_not_sent_are_no_difference() -> None:
    theirs = json.loads(
        json.dumps(spec()).replace("{id}", "{parcel}").replace('"name": "id"', '"name": "parcel"')
        .replace('{"key": []}', '{"apiKey": []}').replace('"key": {"type"', '"apiKey": {"type"').replace("Refused", "No")
    )  # fmt: skip
    theirs["paths"]["/parcels/{parcel}"]["put"]["responses"]["4XX"] = theirs["components"]["responses"]["No"]
    assert told(theirs) == []


def test_operations_beside_ours_are_only_counted() -> None:
    theirs = spec()
    theirs["paths"]["/others"] = {"get": {"responses": {}}, "post": {"responses": {}}}
    drift = survey("parcel", spec(), "new.json", json.dumps(theirs))
    assert (drift.differences, drift.others) == ((), 2)


def test_deviations_are_left_aside() -> None:
    """What holds under both profiles is the mock's own choice too: the vendor never published it."""
    ours = read_yaml(bundled()["alloy"])
    assert any("published" in each.get("profiles", []) for each in ours["x-mock"]["deviations"])
    assert survey("alloy", ours, "p", page(vendors("alloy"))).differences == ()


# Pages

DOCUMENT = write_yaml(vendors("alloy"))
INDENTED = "\n".join(f"   {line}" for line in DOCUMENT.splitlines())
ESCAPED = DOCUMENT.replace("&", "&amp;").replace("<", "&lt;")


@pytest.mark.parametrize(
    "text",
    [
        DOCUMENT,
        "\ufeff# a comment\n---\n" + DOCUMENT,
        DOCUMENT.replace("\n", "\r\n"),
        json.dumps(vendors("alloy")),
        json.dumps(vendors("alloy"), indent="\t"),
        DOCUMENT.replace("'200':", "200:"),
        f"# Page\n```yaml\n{DOCUMENT}```\n",
        f"# Page\n```\nopenapi\n```\n\n```yml openapi.yml theme={{null}}\n{DOCUMENT}```\n",
        f"# Page\n~~~~\n{DOCUMENT}~~~~\n",
        f"# Page\n`````yaml\n{DOCUMENT}\n`````",
        f"- item\n\n   ```yaml\n{INDENTED}\n   ```\n",
        f"# Page\n````yaml\n{DOCUMENT}",
        f"# Page\n```yaml\nopenapi: 3.1.0\npaths: {{}}\n```\n\n```yaml\n{DOCUMENT}```\n",
        f"# Page\n```json\n{json.dumps(vendors('alloy'), indent=2)}\n```\n",
        f"# Page\n```json\n{{\"config\": {{\"openapi\": \"3.0.0\"}}}}\n```\n```yaml\n{DOCUMENT}```\n",
        DOCUMENT.replace("title: alloy", "description: |\n    ```yaml\n    openapi: 2.0\n    ```\n  title: a"),
        f"<!DOCTYPE html>\n<html><body><p>Words<pre>curl</pre><pre><code>{ESCAPED}</code></pre></body></html>",
        f"<html><pre>{ESCAPED.replace(chr(10), '<br>')}</pre></html>",
    ],
)  # fmt: skip
def test_the_document_is_found(text: str) -> None:
    assert survey("alloy", read_yaml(bundled()["alloy"]), "page.md", text).differences == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "page.md: cannot be compared: there is no OpenAPI document in it, neither as a whole nor in a block of code"),
        ("# Page\nopenapi is fine\n```json\n{}\n```\n", "there is no OpenAPI document in it"),
        ("<html><p>openapi: 3.0.0</p></html>", "there is no OpenAPI document in it, neither as a whole nor in a block of code; where a page is HTML, its source in Markdown may have one"),
        ("# Page\n\n```yaml\nopenapi: 3.0.0\npaths: [\n```\n", "page.md:6: the OpenAPI document is not valid YAML"),
        ("# Page\n\n```yaml\nopenapi: 3.0.0\na: 1\na: 2\n```\n", "page.md:6: the OpenAPI document is not valid YAML: the key 'a' stands twice"),
        ('{"openapi": "3.0.0", "paths": ', "page.md:2: the OpenAPI document is not valid YAML"),
        ("swagger: '2.0'\npaths: {}\n", "page.md:1: the document is of version Swagger 2.0; only OpenAPI 3 can be compared: convert it first"),
        ("openapi: 4.0.0\npaths: {}\n", "the document is of version 4.0.0; only OpenAPI 3 can be compared"),
        ("\n".join(["openapi: 3.1.0", "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]", *[f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]]), "page.md: the OpenAPI document is too large: its aliases stand for more than 2,000,000 values"),
        ("openapi: 3.1.0\ninfo: {}\n", "page.md:1: /paths: the OpenAPI document has no paths, so that nothing can be compared"),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_compared_is_told(text: str, sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        survey("alloy", read_yaml(bundled()["alloy"]), "page.md", text)
    assert sentence in str(caught.value)


PROSE = "# Send\n\nSend a parcel to `POST /parcels`.\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (PROSE, 0),
        ("\ufeff" + PROSE.replace("\n", "\r\n") + "\r\n  ", 0),
        (PROSE.replace("a parcel", "a\nparcel"), 0),
        (PROSE.replace("a parcel", "one parcel"), 1),
        (PROSE + f"```yaml\n{SPEC}```\n", 0),  # now there is a document: that is compared
        (PROSE + f"```yaml\n{SPEC.replace('X-Tag', 'X-Tags')}```\n", 2),
    ],
)
def test_a_page_in_prose_is_told_by_its_digest(text: str, count: int) -> None:
    ours = spec() | {"x-mock": {"source": {"page": "Send", "read": "2026-11-20", "digest": digest_of(PROSE)}}}
    assert len(survey("parcel", ours, "page.md", text).differences) == count


# The command


def drift(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["drift", *arguments])


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a page that is the same, one that breaks callers, and one that only differs."""
    monkeypatch.chdir(tmp_path)
    changes: dict[str, list[tuple[str, Any]]] = {
        "same.md": [],
        "breaking.md": [
            (f"{TRIGGER}/{BODY}/required/2", "payload"),
            (f"{TRIGGER}/responses/409", ABSENT),
            (f"{TRIGGER}/{BODY}/properties/100%, \u001b[31mred", {"type": "string"}),
        ],
        "other.md": [(f"{TRIGGER}/responses/422", {"description": "no"})],
    }
    for file, plants in changes.items():
        document = vendors("novu")
        for pointer, value in plants:
            planted(document, pointer, value)
        (tmp_path / file).write_text(page(document), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["same.md"], 0),
        (["other.md"], 1),
        (["breaking.md"], 1),
        (["other.md", "--fail-on", "breaking"], 0),
        (["breaking.md", "--fail-on", "breaking"], 1),
        (["gone.md"], 2),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "junit", "github", "sarif"])
def test_exit_codes(pages: Path, arguments: list[str], code: int, form: str) -> None:
    result = drift("novu", *arguments, "--format", form)
    assert result.exit_code == code, result.output
    assert (result.stdout == "") == (code == 2 or (form == "github" and arguments == ["same.md"]))


def test_the_text_tells_where_ours_was_read_and_where_each_difference_stands(pages: Path) -> None:
    result = drift("novu", "breaking.md")
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "novu: 3 differences, 2 of them breaking",
        "  published:     Trigger event, https://v0.x-docs.novu.co, version 1.0, read 2026-11-20",
        "  compared with: breaking.md, 1 operation",
        "",
        "POST /v1/events/trigger",
    ]
    text = "\n".join(lines[5:])
    path, source = bundled()["novu"], bundled()["novu"].read_text(encoding="utf-8").splitlines()
    for told_, at, ours in (
        ("breaking  status 409 removed in responses", f"{TRIGGER}/responses/409", "        '409':"),
        ('breaking  required changed in requests: gained "payload"', f"{TRIGGER}/{BODY}/required", "      required: [name, to]"),
        ("other     property 100%, \\x1b[31mred added in requests", f"{TRIGGER}/{BODY}/properties/100%, \\x1b[31mred", "      properties:"),
    ):  # fmt: skip
        match = re.search(
            rf"  {re.escape(told_)}\n +{re.escape(at)}  {re.escape(str(path))}:(\d+)$", text, re.MULTILINE
        )
        assert match is not None, text
        assert source[int(match[1]) - 1] == ours


def test_json_has_all_that_is_known(pages: Path) -> None:
    document = json.loads(drift("novu", "breaking.md", "--format", "json").stdout)
    assert document["source"] == read_yaml(bundled()["novu"])["x-mock"]["source"]
    assert {key: document[key] for key in ("api", "document", "operations", "otherOperations", "breaking")} == {
        "api": "novu", "document": "breaking.md", "operations": ["POST /v1/events/trigger"], "otherOperations": 0, "breaking": 2,
    }  # fmt: skip
    (row,) = [each for each in document["differences"] if each["subject"] == "required"]
    assert row.pop("line") > 0
    assert row.pop("file").endswith("novu.yaml")
    assert row == {
        "kind": "changed", "breaking": True, "subject": "required", "operation": "POST /v1/events/trigger", "in": ["request"],
        "pointer": f"{TRIGGER}/{BODY}/required", "before": ["name", "to"], "after": ["name", "payload", "to"],
        "message": 'required changed in requests: gained "payload"',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "failures"),
    [(["same.md"], 0), (["breaking.md"], 1), (["other.md"], 1), (["other.md", "--fail-on", "breaking"], 0)],
)
def test_junit_has_a_case_for_each_operation(pages: Path, arguments: list[str], failures: int) -> None:
    root = ET.fromstring(drift("novu", *arguments, "--format", "junit").stdout)
    (suite,) = root
    assert (root.tag, suite.tag, suite.get("name")) == ("testsuites", "testsuite", "mockserver.drift.novu")
    for each in (root, suite):
        assert (each.get("tests"), each.get("failures"), each.get("errors")) == ("1", str(failures), "0")
    (case,) = suite.findall("testcase")
    assert (case.get("classname"), case.get("name")) == ("mockserver.drift.novu", "POST /v1/events/trigger")
    found = case.findall("failure")
    assert len(found) == failures
    assert junit_faults(ET.tostring(root, encoding="unicode")) == []
    if arguments == ["breaking.md"]:
        assert len(found[0].get("message", "")) <= 200
        assert len((found[0].text or "").splitlines()) == 3
        assert "\x1b" not in "".join(root.itertext())


def test_annotations_stand_at_the_spec_where_it_is_here(pages: Path) -> None:
    (pages / "novu.yaml").write_text(bundled()["novu"].read_text(encoding="utf-8"), encoding="utf-8")
    result = drift(
        "novu", "breaking.md", "--spec", "novu.yaml", "--format", "github", "--fail-on", "breaking"
    )
    lines = result.stdout.splitlines()
    levels = [line[: line.index(" ")] for line in lines]
    assert levels == ["::error", "::error", "::warning"]
    pattern = r"::\w+ file=novu\.yaml,line=\d+,title=novu%3A 3 differences%2C 2 of them breaking::/paths/.+"
    assert all(re.fullmatch(pattern, line) for line in lines)
    assert "property 100%25, \\x1b[31mred added" in lines[2]
    elsewhere = drift("novu", "breaking.md", "--format", "github").stdout
    assert "file=" not in elsewhere
    assert elsewhere.count("::error title=") == 3


def test_no_more_annotations_than_github_shows(pages: Path) -> None:
    document = vendors("novu")
    for number in range(12):
        planted(document, f"{TRIGGER}/{BODY}/properties/p{number}", {"type": "string"})
    (pages / "many.md").write_text(page(document), encoding="utf-8")
    lines = drift("novu", "many.md", "--format", "github").stdout.splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("::3 more differences: see the output of `mockserver drift novu`")


def test_sarif_has_a_result_for_each_difference(pages: Path) -> None:
    (pages / "novu.yaml").write_text(bundled()["novu"].read_text(encoding="utf-8"), encoding="utf-8")
    log = json.loads(drift("novu", "breaking.md", "--spec", "novu.yaml", "--format", "sarif").stdout)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {each["ruleId"] for each in run["results"]} == {
        each["id"] for each in run["tool"]["driver"]["rules"]
    }
    for each in run["results"]:
        place = each["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "novu.yaml"
        assert place["region"]["startLine"] > 1
    elsewhere = json.loads(drift("novu", "breaking.md", "--format", "sarif").stdout)
    assert "file://" in json.dumps(elsewhere["runs"][0]["results"][0])


def test_a_report_goes_to_a_file_and_the_text_is_printed(pages: Path) -> None:
    result = drift("novu", "breaking.md", "--format", "junit", "--output", "drift.xml")
    assert "<testsuites " in (pages / "drift.xml").read_text(encoding="utf-8")
    assert result.stdout.startswith("novu: 3 differences")
    result = drift("novu", "breaking.md", "--output", "gone/drift.txt")
    assert (result.exit_code, result.stderr) == (
        2,
        f"Error: {Path('gone/drift.txt')}: cannot be written: No such file or directory\n",
    )


def test_a_changed_page_in_prose_is_told_in_each_form(pages: Path) -> None:
    (pages / "prose.md").write_text("# Other words\n", encoding="utf-8")
    said = (
        "the text of the page has changed since 2026-11-20; read it again, nobody knows whether callers break"
    )
    for form in ("text", "json", "junit", "github", "sarif"):
        result = drift("opensend", "prose.md", "--format", form)
        assert result.exit_code == 1
        assert said in result.stdout, form
    assert drift("opensend", "prose.md", "--fail-on", "breaking").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nova", "same.md"], "Error: there is no API named 'nova'; did you mean novu?"),
        (["novu", "gone.md"], "Error: gone.md: cannot be read: No such file or directory"),
        (["novu", "."], "Error: .: cannot be read: it is not a regular file"),
        (["novu", "prose.md"], "Error: prose.md: cannot be compared: there is no OpenAPI document in it"),
        (["novu", "ftp://example.com/x"], "Error: ftp://example.com/x: addresses of ftp are not read; give one of http or https, or a file"),
        (["novu", "http://127.0.0.1:1/x"], "Error: http://127.0.0.1:1/x: cannot be read: "),
        (["novu", "http://"], "Error: http://: cannot be read: no host given"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_told_in_a_sentence(
    pages: Path, arguments: list[str], sentence: str
) -> None:
    (pages / "prose.md").write_text("# Words\n", encoding="utf-8")
    result = drift(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1


def test_the_example_of_the_readme(pages: Path) -> None:
    ((command, output),) = [each for each in examples(README) if each[0].startswith("mockserver drift")]
    document = vendors("novu")
    content = document["paths"]["/v1/events/trigger"]["post"]["requestBody"]["content"]["application/json"]
    content["schema"]["required"].append("payload")
    document["components"]["schemas"] = {"TriggerEventRequestDto": content["schema"]}
    content["schema"] = {"$ref": "#/components/schemas/TriggerEventRequestDto"}
    planted(document, f"{TRIGGER}/responses/422", {"description": "no"})
    (pages / "trigger-event.md").write_text(page(document), encoding="utf-8")
    assert_printed(command, output, drift(*command.split()[2:]).stdout)


# Addresses


class Site(http.server.BaseHTTPRequestHandler):
    """Answers each path as its table says: a status, headers, and what is sent."""

    table: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}
    release = threading.Event()

    def do_GET(self) -> None:
        status, headers, body = self.table[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/slow":
            self.wfile.flush()
            self.release.wait(10)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    same = page(vendors("novu")).encode()
    Site.table = {
        "/same": (200, {"Content-Length": str(len(same))}, same),
        "/unsized": (200, {}, same),
        "/moved": (302, {"Location": "/same"}, b""),
        "/elsewhere": (302, {"Location": "file:///etc/hostname"}, b""),
        "/circle": (302, {"Location": "/circle"}, b""),
        "/gone": (404, {}, b"gone"),
        "/binary": (200, {}, b"\xff\xfe\x00"),
        "/large": (200, {}, b"x" * 5000),
        "/short": (200, {"Content-Length": "5000"}, b"openapi: 3.0.0"),
        "/slow": (200, {"Content-Length": "5000"}, b"openapi"),
    }
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Site.release.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/same", "/unsized", "/moved"])
def test_an_address_is_read(site: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert drift_of("novu", (), site + path).differences == ()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/gone", "cannot be read: the server answered 404 Not Found"),
        ("/elsewhere", "cannot be read: the server answered 302"),
        ("/circle", "cannot be read: the server answered 302"),
        ("/binary", "cannot be read: it is not UTF-8 text"),
        ("/large", "cannot be read: it is larger than"),
        ("/short", "cannot be read: the answer ended 4986 bytes too early"),
        ("/slow", "cannot be read: no whole answer came within 0.2 seconds"),
    ],
)
def test_an_address_that_cannot_be_read_is_told(
    site: str, path: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(fetching, "LARGEST", 4990)
    if path == "/slow":
        monkeypatch.setattr(fetching, "PATIENCE", 0.2)
    with pytest.raises(SpecError) as caught:
        drift_of("novu", (), site + path)
    assert str(caught.value).startswith(f"{site}{path}: {sentence}")
