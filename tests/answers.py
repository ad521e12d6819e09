"""The document of the control plane as an oracle: every answer of ``/__admin`` that a test sees is held to it.

`check_answer` finds the operation that a request is for, as a reader of the document would, and fails where the status,
a header of ours, the media type or the body is not what the operation promises. A request with a body that was
accepted must meet the document as well: what the server takes and the document does not know is a gap.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import jsonschema_rs

from mockserver.engine.judge import without_surrogates
from mockserver.loading import control_document

PREFIX = "/__admin"
DOCUMENT: Any = control_document()
COMPONENTS = "#/components"
METHODS = ("get", "put", "post", "delete")
NO_OPERATION = {
    "400": "NotAccepted", "401": "NoToken", "403": "OtherOrigin", "404": "NoRoute", "405": "NoMethod", "415": "NotJson",
}  # fmt: skip
"""The responses to what no operation answers, by status."""

Faults = Callable[[Any], list[str]]


class Operation(NamedTuple):
    """One operation of the document: its method, its path, and what the document says of it."""

    method: str
    path: str
    source: Any


def operations() -> list[Operation]:
    """Return all operations of the document."""
    return [
        Operation(method, path, item[method])
        for path, item in DOCUMENT["paths"].items()
        for method in METHODS
        if method in item
    ]


def resolved(part: Any) -> Any:
    """Return a part of the document, or what it refers to."""
    while "$ref" in part:
        value = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            value = value[step.replace("~1", "/").replace("~0", "~")]
        part = value
    return part


def is_control(path: str) -> bool:
    """Tell whether a path is one of the control plane, with or without a namespace before it."""
    below = _below(path)
    return below == PREFIX or below.startswith(f"{PREFIX}/")


def _below(target: str) -> str:
    return re.sub("^/+~[^/]*", "", unquote(target.partition("?")[0]))


@lru_cache(maxsize=4096)
def operation_of(method: str, target: str) -> Operation | None:
    """Return the operation that answers a request, None where there is none; a path without variables goes first."""
    path, verb = _below(target), "get" if method == "HEAD" else method.lower()
    fitting = [
        each for each in operations() if each.method == verb and _expression(each.path).fullmatch(path)
    ]
    return min(fitting, key=lambda each: each.path.count("{"), default=None)


@lru_cache(maxsize=256)
def _expression(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(path)), re.DOTALL)


@lru_cache(maxsize=256)
def faults_of(pointer: str) -> Faults:
    """Return what tells the faults of a value under the schema at a pointer of the document."""
    schema = {**DOCUMENT, "$ref": quote(pointer, safe="#/~")}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    def faults(value: Any) -> list[str]:
        try:
            found = () if validator.is_valid(value) else validator.iter_errors(value)
        except UnicodeEncodeError:
            found = validator.iter_errors(without_surrogates(value))
        return [f"/{'/'.join(map(str, each.instance_path))}: {each.message[:300]}" for each in found]

    return faults


def check_answer(
    method: str, target: str, status: int, headers: Mapping[str, str], body: bytes, sent: bytes | None = None
) -> None:
    """Fail where an answer of the control plane, or the body that it accepted, does not meet the document.

    ``target`` is the path as it was asked for, ``headers`` have lower-case names, ``sent`` is the body of the request.
    """
    found = operation_of(method, target)
    at, responses = _responses(found)
    assert str(status) in responses, (
        f"{method} {target} answered {status}, which is not documented: {body[:300]!r}"
    )
    source, response = responses[str(status)], resolved(responses[str(status)])
    told = [
        *_header_faults(response, headers),
        *_body_faults(method, source, f"{at}/{status}", response, headers, body),
    ]
    if found is not None and status < 300 and (sent or b"").strip() and "requestBody" in found.source:
        pointer = f"{at.removesuffix('/responses')}/requestBody/content/application~1json/schema"
        told += [f"was accepted: {each}" for each in faults_of(pointer)(json.loads(sent or b""))]
    title = f"{method} {target} answered {status}, which is documented otherwise:"
    assert not told, "\n".join([title, *told])


def _responses(found: Operation | None) -> tuple[str, Any]:
    """Return the responses of an operation with their pointer; where there is none, those that then are possible."""
    if found is not None:
        return f"#/paths/{found.path.replace('/', '~1')}/{found.method}/responses", found.source["responses"]
    return "", {status: {"$ref": f"{COMPONENTS}/responses/{name}"} for status, name in NO_OPERATION.items()}


def _header_faults(response: Any, headers: Mapping[str, str]) -> list[str]:
    documented = {name.lower(): resolved(each) for name, each in response.get("headers", {}).items()}
    ours = {name for name in headers if name.startswith("x-mock-")}
    missing = {name for name, each in documented.items() if each.get("required") and name not in headers}
    return [f"the header {name} is not documented" for name in sorted(ours - set(documented))] + [
        f"the header {name} is missing" for name in sorted(missing)
    ]


def _body_faults(
    method: str, source: Any, at: str, response: Any, headers: Mapping[str, str], body: bytes
) -> list[str]:
    content = response.get("content", {})
    is_nowhere = not body and at.endswith("/404")  # what an id is answered that nothing has
    if method == "HEAD" or not content or is_nowhere:
        return ["has a body"] if body else []
    kind = headers.get("content-type", "").partition(";")[0]
    if kind not in content:
        return [f"the media type {kind!r} is not documented"]
    if not kind.endswith(("/json", "+json")):
        return []
    pointer = f"{source.get('$ref', at)}/content/{kind.replace('/', '~1')}/schema"
    return faults_of(pointer)(json.loads(body))
