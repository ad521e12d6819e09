"""What one profile of an operation takes: its parameters, its body and its credentials."""

import re
from collections.abc import Mapping
from typing import Final

from mockserver.engine.contract import Parameter, RequestShape, SecurityScheme, Signature
from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.media import is_json
from mockserver.engine.parameters import items_in, types_in
from mockserver.engine.templates import place_of
from mockserver.engine.values import ABSENT, pointer_of, walk

PATTERNS: Final = {"bearer": r"Bearer(?: +(.*))?", "basic": r"Basic(?: +(.*))?"}
"""How a credential is read where the spec does not say; the first group is the credential."""


def shape_of(document: Document, path: str, method: str) -> RequestShape | None:
    """Return what the operation takes in this document, None where the document has no such operation."""
    source = document.operation(path, method)
    if source is None:
        return None
    body = document.resolve(source.get("requestBody", {}))
    media = [each for media_type, each in body.get("content", {}).items() if is_json(media_type)]
    schema = media[0].get("schema") if media else None
    closed = None if schema is None else document.closed(schema)
    required = body.get("required", False)
    shared = document.root["paths"][path].get("parameters", [])
    resolved = [document.resolve(each) for each in [*shared, *source.get("parameters", [])]]
    parameters = [
        each for each in resolved if {"in", "name"} <= each.keys()
    ]  # soundness blames one that leads nowhere
    security = source.get("security", document.root.get("security", []))
    at = pointer_of(["paths", path, method, "security"] if "security" in source else ["security"])
    schemes = document.root.get("components", {}).get("securitySchemes", {})
    return RequestShape(
        parameters=tuple(_parameter(document, each) for each in parameters if not _is_ignored(each)),
        body=closed,
        body_required=required,
        security=tuple(
            tuple(_scheme(document, name, at) for name in alternative) for alternative in security
        ),
        source=(
            parameters,
            closed,
            required,
            security,
            [schemes.get(name) for each in security for name in each],
        ),
    )


def _is_ignored(parameter: JSON) -> bool:
    """OpenAPI ignores header parameters of these names: other parts of the document describe them."""
    return parameter["in"] == "header" and parameter["name"].lower() in {
        "accept",
        "content-type",
        "authorization",
    }


def _parameter(document: Document, source: JSON) -> Parameter:
    schema, place = source.get("schema", {}), source["in"]
    kinds = types_in(schema, document.root)
    inner = items_in(schema, document.root)
    return Parameter(
        name=source["name"].lower() if place == "header" else source["name"],
        place=place,
        required=source.get("required", False),
        schema=document.closed(schema) if isinstance(schema, dict) else schema,
        kinds=kinds,
        items=types_in(inner, document.root) if "array" in kinds else None,
        item_schema=document.closed(inner) if isinstance(inner, dict) else True,
        explode=place == "query" and source.get("explode", True),
    )


def _scheme(document: Document, name: str, used_at: str) -> SecurityScheme:
    at = f"/components/securitySchemes/{name}"
    source = walk(document.root, at)
    if source is ABSENT:
        document.miss(used_at, f"no security scheme is named {name!r}")
        source = {}
    words = source.get("x-mock", {})
    place, parameter = source.get("in", "header"), source.get("name", "Authorization")
    flags = re.DOTALL if words.get("caseSensitive", True) else re.DOTALL | re.IGNORECASE
    kind = "bearer" if source.get("type") in _BEARER_TYPES else source.get("scheme", "").lower()
    pattern = words.get("pattern", PATTERNS.get(kind, "(.*)"))
    anything = re.compile("(.*)")
    return SecurityScheme(
        name=name,
        place=place,
        parameter=parameter.lower() if place == "header" else parameter,
        pattern=document.attempt(
            f"{at}/x-mock/pattern", lambda text: _credential_pattern(text, flags), pattern, anything
        ),
        wording=document.wording(words.get("wording", {}), f"{at}/x-mock/wording"),
        refuses={credential: Reason(reason) for credential, reason in words.get("refuses", {}).items()},
        signature=_signature(document, words["signature"], f"{at}/x-mock") if "signature" in words else None,
    )


_UNSIGNABLE: Final = re.compile(
    r"\$request\.body|\$item|\$mock\.(?!bodyText\b|digest\(|epochMs\b|lower\(|path\b|target\b)[\w.]*"
)
_SIGNABLE: Final = (
    "a part is made of $method, $request.header, .query and .path, $mock.target, .path, .digest and .bodyText"
)


def _signature(document: Document, words: Mapping[str, JSON], at: str) -> Signature:
    sent = words.get("sent")
    if sent is None and re.compile(walk(document.root, at).get("pattern", "")).groups < 2:
        told = "needs sent, or a pattern whose second group is the signature"
        document.blame(f"{at}/signature", told)
    for index, part in enumerate(words["parts"]):
        for name in _UNSIGNABLE.findall(part):
            document.blame(f"{at}/signature/parts/{index}", f"{name} cannot be signed: {_SIGNABLE}")
    return Signature(
        algorithm=words["algorithm"],
        encoding=words["encoding"],
        parts=tuple(
            document.template(part, f"{at}/signature/parts/{index}")
            for index, part in enumerate(words["parts"])
        ),
        separator=words.get("separator", "\n"),
        sent=None if sent is None else document.expression(sent, f"{at}/signature/sent"),
        sent_in=("", "") if sent is None else place_of(sent),
        prefix=words.get("prefix", ""),
    )


_BEARER_TYPES: Final = frozenset({"oauth2", "openIdConnect"})


def _credential_pattern(text: str, flags: int) -> re.Pattern[str]:
    pattern = re.compile(text, flags)
    if not pattern.groups:
        raise ValueError(f"{text!r} has no group; what is in its first parentheses is the credential")
    return pattern
