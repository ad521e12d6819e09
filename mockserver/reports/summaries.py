"""A call in one line of a list: what a person looks at first, without bodies and without secrets."""

from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.world import Blueprint
from mockserver.reports.redaction import concealed
from mockserver.reports.sensitive import Sensitive
from mockserver.wire import serve_event


def summary(exchange: Exchange, sensitive: Sensitive, blueprint: Blueprint) -> dict[str, JSON]:
    """Return the summary of a call; what is ``sensitive`` is left out.

    ``at`` is epoch milliseconds on the mock's clock, ``ms`` how long the answer took where it was held back;
    ``status`` is null while a call waits, and where a fault stands in for an answer.
    """
    title = next((api.title for api in blueprint.apis if api.name == exchange.api), None)
    texts = {
        "path": exchange.request.path,
        "name": exchange.name,
        "who": exchange.recipient,
        "key": blueprint.key_of(exchange),
    }
    return {
        "number": exchange.number,
        "id": exchange.id,
        "at": int(exchange.received * 1000),
        "api": exchange.api,
        "title": title,
        "method": exchange.request.method,
        "status": exchange.status or None if exchange.state == "answered" else None,
        "outcome": exchange.outcome,
        "reason": exchange.reason,
        **concealed(texts, serve_event(exchange), sensitive),
        "ms": round(exchange.served * 1000),
        "findings": len(exchange.findings),
        "deviations": len(exchange.deviations),
        "repeatOf": exchange.repeat_of,
        "rule": exchange.rule,
        "published": exchange.published,
        "delayed": exchange.delay > 0,
        "state": exchange.state,
        "fault": exchange.fault,
        "source": exchange.source,
        "bytes": len(exchange.request.body),
    }
