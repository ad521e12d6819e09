"""Recorded calls as something to keep or to run: HAR 1.2, JSON lines, shell commands, and tests in Python.

Calls go out in the order they are given in; whoever exports gives the oldest first. ``names`` are those of the headers
and query keys that hold credentials: archives and lines have them redacted, in commands variables stand for them, and
tests leave them out.
"""

from collections.abc import Iterable, Iterator, Mapping
from http.client import responses

from mockserver.engine.exchange import JSON, Exchange, Response
from mockserver.engine.journal import ANSWERED
from mockserver.engine.values import iso_time
from mockserver.reports.assertions import pytest_text
from mockserver.reports.commands import curl, prefix_of
from mockserver.reports.journal_file import json_line
from mockserver.reports.redaction import redacted
from mockserver.reports.sensitive import Sensitive
from mockserver.wire import serve_event

__all__ = ["curl", "har", "jsonl", "pytest_text"]


def jsonl(exchanges: Iterable[Exchange], sensitive: Sensitive) -> Iterator[str]:
    """Yield each call as one line of JSON, its line feed included: the redacted ServeEvent."""
    for exchange in exchanges:
        yield f"{json_line(exchange, sensitive)}\n"


def har(exchanges: Iterable[Exchange], sensitive: Sensitive, version: str) -> dict[str, JSON]:
    """Return calls as an HTTP archive; ``version`` is that of the mock."""
    entries = [_entry(exchange, redacted(serve_event(exchange), sensitive)) for exchange in exchanges]
    return {
        "log": {"version": "1.2", "creator": {"name": "mockserver", "version": version}, "entries": entries}
    }


def _entry(exchange: Exchange, event: Mapping[str, JSON]) -> dict[str, JSON]:
    took, mock = round(exchange.served * 1000, 3), event["request"]["mock"]
    fault = exchange.fault or (None if exchange.state == ANSWERED else exchange.state)
    response = exchange.response if fault is None else None
    return {
        "startedDateTime": iso_time(exchange.received),
        "time": took,
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "request": _har_request(exchange, event["request"]),
        "response": _har_response(response, event["response"] if response is not None else {}),
        **{f"_{name}": mock[name] for name in ("api", "operation", "outcome", "reason", "findings")},
        "_namespace": exchange.namespace,
        **({} if fault is None else {"_fault": fault}),
    }


def _har_request(exchange: Exchange, request: Mapping[str, JSON]) -> dict[str, JSON]:
    base = request["absoluteUrl"].removesuffix(request["url"]) + prefix_of(exchange)
    entry: dict[str, JSON] = {
        "method": request["method"],
        "url": (base + request["url"]).replace("#", "%23"),
        "httpVersion": "HTTP/1.1",
        "cookies": _pairs(request["cookies"]),
        "headers": _pairs(request["headers"]),
        "queryString": _pairs({name: each["values"] for name, each in request["queryParams"].items()}),
        "headersSize": -1,
        "bodySize": len(exchange.request.body),
    }
    if exchange.request.body:
        entry["postData"] = {"mimeType": _media_type(request["headers"]), **_text(request, "_encoding")}
    return entry


def _har_response(response: Response | None, shown: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return an answer; one that was never given has the status 0."""
    headers = shown.get("headers", {})
    content = {"size": 0 if response is None else len(response.body), "mimeType": _media_type(headers)}
    return {
        "status": 0 if response is None else response.status,
        "statusText": "" if response is None else responses.get(response.status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(headers),
        "content": content if response is None else {**content, **_text(shown, "encoding")},
        "redirectURL": str(_header(headers, "location") or ""),
        "headersSize": -1,
        "bodySize": -1 if response is None else len(response.body),
    }


def _pairs(values: Mapping[str, JSON]) -> list[JSON]:
    return [
        {"name": name, "value": each}
        for name, value in values.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def _text(message: Mapping[str, JSON], encoding: str) -> dict[str, JSON]:
    """Return a body as text; what is none as Base64, which the member ``encoding`` says."""
    if message["body"] or not message["bodyAsBase64"]:
        return {"text": message["body"]}
    return {"text": message["bodyAsBase64"], encoding: "base64"}


def _header(headers: Mapping[str, JSON], wanted: str) -> JSON:
    return next((value for name, value in headers.items() if name.lower() == wanted), None)


def _media_type(headers: Mapping[str, JSON]) -> str:
    return str(_header(headers, "content-type") or "application/octet-stream")
