"""The clauses of an operation's ``x-mock`` as typed values: repeats, rate limit, catalogue."""

import re
from collections.abc import Mapping
from typing import Final

from mockserver.engine.contract import CatalogueRule, DedupRule, RateLimit
from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON
from mockserver.engine.templates import place_of
from mockserver.engine.values import positive_seconds

_LABELLED: Final = re.compile(r"\$mock\.(uuid|objectId)#")


def dedup_rule(document: Document, rule: Mapping[str, JSON], at: str) -> DedupRule:
    """Return a rule that tells repeats."""
    if "issues" in rule and not _LABELLED.search(rule["issues"]):
        told = "needs an id with a label, as in {$mock.uuid#id}, which the answer has too; else they would differ"
        document.blame(f"{at}/issues", told)
    headers = rule.get("headers", {})
    in_flight = rule.get("inFlightTtl")
    place, pointer = place_of(rule["key"])
    return DedupRule(
        name=rule["name"],
        key=document.expression(rule["key"], f"{at}/key"),
        place=place,
        pointer=pointer,
        scope=tuple(rule.get("scope", ["credential"])),
        ttl=document.attempt(f"{at}/ttl", positive_seconds, rule["ttl"], 1.0),
        in_flight_ttl=document.attempt(f"{at}/inFlightTtl", positive_seconds, in_flight, 1.0)
        if in_flight
        else None,
        trim=rule.get("trim", False),
        max_length=rule.get("maxLength"),
        compares_body=rule.get("compares", "nothing") == "body",
        remembers=frozenset(rule.get("remembers", ["success"])),
        always=document.headers(headers.get("always", {}), f"{at}/headers/always"),
        repeat=document.headers(headers.get("repeat", {}), f"{at}/headers/repeat"),
        issues=document.template(rule["issues"], f"{at}/issues") if "issues" in rule else None,
    )


def rate_limit(document: Document, entry: Mapping[str, JSON] | None, at: str) -> RateLimit | None:
    """Return a token bucket, None where there is none."""
    if entry is None:
        return None
    return RateLimit(
        limit=entry["limit"],
        window=document.attempt(f"{at}/window", positive_seconds, entry["window"], 1.0),
        burst=entry.get("burst", entry["limit"]),
        per=tuple(entry.get("per", ["credential"])),
        cost=entry.get("cost", 1),
        headers=document.headers(entry.get("headers", {}), f"{at}/headers"),
        enforced=entry.get("enforced", False),
    )


def catalogue_rule(document: Document, entry: Mapping[str, JSON] | None, at: str) -> CatalogueRule | None:
    """Return what names the workflow or event of a call, None where nothing does."""
    if entry is None:
        return None
    payload = entry.get("payload", "")
    return CatalogueRule(
        name=document.expression(entry["name"], f"{at}/name"),
        name_at=place_of(entry["name"])[1],
        payload=document.expression(payload, f"{at}/payload") if payload else None,
        payload_at=place_of(payload)[1],
        statuses=tuple(entry.get("statuses", ())),
    )
