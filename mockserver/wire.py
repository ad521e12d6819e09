"""Exchanges in the JSON of WireMock's admin API, which its clients read.

Those clients refuse unknown members nearly everywhere; what is ours therefore stands in ``request.mock``.
"""

import base64
import re
from urllib.parse import parse_qsl

from mockserver.engine.exchange import JSON, PORTS, Exchange, Request, Response
from mockserver.engine.headers import cookies_of, lines_of
from mockserver.engine.mappings import write_mapping
from mockserver.engine.rules import Armed, Rules
from mockserver.engine.values import iso_time

UNMATCHED = frozenset({"no-route", "wrong-method"})


def serve_event(exchange: Exchange, rules: Rules | None = None) -> dict[str, JSON]:
    """Return a ServeEvent; without ``response`` while the answer is held back, or when nobody waited for it.

    ``rules`` are those among which the one that acted on the call is looked for.
    """
    held, served = round(exchange.delay * 1000), round(exchange.served * 1000)
    event: dict[str, JSON] = {
        "id": exchange.id,
        "request": logged_request(exchange),
        "responseDefinition": {"status": exchange.status},
        "wasMatched": was_matched(exchange),
        "timing": {
            "addedDelay": held,
            "processTime": max(0, served - held),
            "responseSendTime": 0,
            "serveTime": served,
            "totalTime": served,
        },
        "subEvents": [],
    }
    if not was_matched(exchange):  # all that the Java client reads of it
        event["responseDefinition"]["fromConfiguredStub"] = False
    if exchange.fault is not None:
        event["responseDefinition"]["fault"] = exchange.fault
    if exchange.response is not None:
        event["response"] = _logged_response(exchange)
    if rules is not None and exchange.stub is not None and (rule := rules.rule_of(exchange.stub)) is not None:
        event["stubMapping"] = write_mapping(rules.get(rule.id) or Armed(rule, 0))
    return event


def was_matched(exchange: Exchange) -> bool:
    """Tell whether an operation took the call; a refused call is matched."""
    return exchange.reason not in UNMATCHED


def logged_request(exchange: Exchange, *, answered: bool = False) -> dict[str, JSON]:
    """Return a LoggedRequest with its ``mock`` member, where ``answered`` asks for it with the answer.

    Names of headers are capitalised: ASGI lowers them.
    """
    request = exchange.request
    host, port = _address(request.headers.get("host", ""), PORTS[exchange.scheme])
    return {
        "url": _url(request),
        "absoluteUrl": f"{exchange.scheme}://{request.headers.get('host', 'localhost')}{_url(request)}",
        "method": request.method,
        "clientIp": request.client,
        "headers": _headers(lines_of(request.raw_headers)),
        "cookies": cookies_of(request.headers.get("cookie", "")),
        "browserProxyRequest": False,
        "loggedDate": int(exchange.received * 1000),
        "loggedDateString": iso_time(exchange.received),
        "body": _text(request.body),
        "bodyAsBase64": base64.b64encode(request.body).decode(),
        "protocol": "HTTP/1.1",
        "scheme": exchange.scheme,
        "host": host,
        "port": port,
        "queryParams": _query(request.query),
        "formParams": {},
        "mock": {**mock_member(exchange), **({"response": _answer_of(exchange)} if answered else {})},
    }


def _answer_of(exchange: Exchange) -> JSON:
    return None if exchange.response is None else _logged_response(exchange)


def mock_member(exchange: Exchange) -> dict[str, JSON]:
    """Return what the mock has to say about a call."""
    return {
        "number": exchange.number,
        "id": exchange.id,
        "status": exchange.status,
        "api": exchange.api,
        "operation": exchange.operation,
        "outcome": exchange.outcome,
        "reason": exchange.reason,
        "findings": list(exchange.findings),
        "deviations": list(exchange.deviations),
        "repeatOf": exchange.repeat_of,
        "rule": exchange.rule,
        "stub": exchange.stub,
        "fault": exchange.fault,
        "namespace": exchange.namespace,
        "published": exchange.published,
        "source": exchange.source,
        "state": exchange.state,
        "name": exchange.name,
        "recipient": exchange.recipient,
    }


def _logged_response(exchange: Exchange) -> dict[str, JSON]:
    response = exchange.response or Response(0, (), b"")
    if exchange.fault is not None:  # no answer was sent: it has no headers either
        return {"status": 0, "headers": {}, "body": "", "bodyAsBase64": "", "fault": exchange.fault}
    return {
        "status": response.status,
        "headers": _headers(list(response.headers)),
        "body": _text(response.body),
        "bodyAsBase64": base64.b64encode(response.body).decode(),
    }


def _url(request: Request) -> str:
    return f"{request.path}?{request.query}" if request.query else request.path


def _address(host: str, default_port: int) -> tuple[str, int]:
    """Split a Host header; a port that is none counts as that of the scheme."""
    match = re.fullmatch(r"(.*?)(?::([0-9]{1,5}))?", host, re.DOTALL)
    name, port = (match[1], match[2]) if match is not None else (host, None)
    return name, int(port or default_port)


def _headers(lines: list[tuple[str, str]]) -> dict[str, JSON]:
    headers: dict[str, JSON] = {}
    for sent, value in lines:
        name = "-".join(part.capitalize() for part in sent.split("-")) if sent.islower() else sent
        known = headers.get(name)
        headers[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return headers


def _query(query: str) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, {"key": name, "values": []})["values"].append(value)
    return found


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return ""
