"""The named checks, each a function of the case that says no, or nothing.

The order in which an operation runs them is data, from its spec: APIs differ in it. A check leaves on the
case what later ones and the answer need: the parsed body, words for templates, headers, keys it took.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from mockserver.engine.authentication import authentication
from mockserver.engine.case import Case, Check, trimmed
from mockserver.engine.contract import DedupRule, Operation, RateLimit, RefusalRule
from mockserver.engine.dedup import Busy, Free, Key, Mismatched, Seen, fingerprint_of
from mockserver.engine.exchange import Finding, Outcome, Reason, Refused, Repeated
from mockserver.engine.limits import Taken, limit_values
from mockserver.engine.parsing import MalformedError, media_type_fault, parse_json
from mockserver.engine.policy import Policy
from mockserver.engine.values import (
    ABSENT,
    as_text,
    compact_size,
    cut,
    dotted,
    encode,
    first_step,
    is_empty,
    nearest,
    pointer_of,
    walk,
)


def run_checks(case: Case) -> Outcome | None:
    """Run the checks of the operation, in its order; the first that says something decides."""
    request = case.request
    if request.incomplete or len(request.body) > case.operation.max_bytes:
        return no_whole_body(case)
    for check in case.checks:
        if (outcome := check(case)) is not None:
            return outcome
    return None


def checks_of(operation: Operation, policy: Policy) -> tuple[Check, ...]:
    """Return the checks of an operation in its order, without those that have nothing to say under a policy."""
    known, limit = policy.catalogue, policy.limits.get(operation.id)
    idle = set()
    if limit is None:
        idle.add("rate-limit")
    if operation.catalogue is None or not (known.entries or known.refuses_unknown):
        idle.add("catalogue")
    return tuple(check_named(name, operation) for name in operation.checks if name not in idle)


def check_named(name: str, operation: Operation) -> Check:
    """Return a check of an operation by its name."""
    if name in CHECKS:
        return CHECKS[name]
    if name in operation.dedup:
        return partial(repetition, rule=operation.dedup[name])
    rule = operation.refusals[name]
    return partial(refusal if rule.max_bytes is None else refusal_of_size, rule=rule)


def no_whole_body(case: Case) -> Refused:
    """Refuse a body that is not all there, or too large."""
    request, most = case.request, case.operation.max_bytes
    if request.incomplete == "disconnected":
        message = f"ends after {len(request.body)} bytes: the client went away"
        return _refused(Reason.MALFORMED, "incomplete", message, "the whole body", "a part of it")
    size = f"more than {most} bytes" if request.incomplete else f"{len(request.body)} bytes"
    expected = f"at most {most} bytes"
    return _refused(Reason.TOO_LARGE, "maxBytes", f"must have {expected}", expected, size, "Send less.")


def _refused(
    reason: Reason, keyword: str, message: str, expected: str, received: str, fix: str = ""
) -> Refused:
    """Refuse a request as a whole, with one finding at the root of its body."""
    return Refused(reason, (Finding("body", "", "", keyword, message, expected, received, None, fix),))


def parsing(case: Case) -> Refused | None:
    """Is the body JSON?"""
    request, operation = case.request, case.operation
    body = request.body
    if body and operation.media_type != "ignored":
        headers = request.headers
        fault = media_type_fault(headers.get("content-type", ""), headers.get("content-encoding", ""))
        if fault is not None and (operation.media_type == "refused" or fault.keyword != "media-type"):
            return Refused(Reason.WRONG_MEDIA_TYPE, (fault,))
        if fault is not None:
            body = b""  # the service does not read a body of another type
    if not body:
        return _empty_body(case)
    try:
        case.body = parse_json(body)
        case.sent = body
    except MalformedError as error:
        return _malformed(str(error), "Check the body with a JSON parser.", len(body))
    return None


def _empty_body(case: Case) -> Refused | None:
    if not case.operation.shape.body_required:
        return None
    if case.operation.empty_body == "malformed":
        return _malformed("is empty", "Send the data as a JSON body.", 0)
    case.body = {}  # the service validates an empty body as an empty object
    return None


def _malformed(message: str, fix: str, size: int) -> Refused:
    return _refused(Reason.MALFORMED, "json", message, "JSON", f"{size} bytes", fix)


def rate_limit(case: Case) -> Refused | None:
    """Are there tokens left in the bucket?"""
    limit = case.policy.limits.get(case.operation.id)
    if limit is None:
        return None
    taken = case.limits.take((case.operation.api, *case.scope(limit.per)), limit, case.now)
    case.noted.update(limit_values(limit, taken))
    case.add_headers(limit.headers)
    return None if taken.admitted else Refused(Reason.RATE_LIMITED, (_used_up(case, limit, taken),))


def _used_up(case: Case, limit: RateLimit, taken: Taken) -> Finding:
    """Say whose bucket is empty: the credential's, or one that all callers of the path share."""
    known = case.credential if "credential" in limit.per else None
    place, name = (known.scheme.place, known.scheme.parameter) if known is not None else ("path", "")
    allowed, wait = f"{limit.limit} calls in {limit.window:g} s", f"{taken.reset_seconds} s"
    message = f"has used up its {allowed}; the next is admitted in {wait}"
    fix = f"Wait {wait}, allow more with --limit, or start afresh with POST /__admin/reset."
    pointer = pointer_of([name]) if name else ""
    return Finding(place, pointer, name, "rate-limit", message, f"at most {allowed}", "one more", None, fix)


def validation(case: Case) -> Refused | None:
    """Are the parameters and the body what the contract says?"""
    findings, leaned = case.validator.judge(case)
    if leaned or case.found.route.deviation is not None:
        note_deviations(case, leaned)
    return _refuse_or_report(case, Reason.INVALID, findings) if findings else None


def note_deviations(case: Case, leaned: tuple[str, ...]) -> None:
    """Note the deviations that a request leans on: that of its route, and those of what it sends."""
    deviation = case.found.route.deviation
    case.deviations = leaned if deviation is None else (deviation, *leaned)


def _refuse_or_report(
    case: Case, reason: Reason, findings: tuple[Finding, ...], rule: str | None = None
) -> Refused | None:
    if not findings:
        return None
    if case.policy.admits_invalid:
        case.findings += findings
        return None
    return Refused(reason, findings, rule)


def catalogue(case: Case) -> Refused | None:
    """Is the workflow or event known, and its payload what its schema says?"""
    names, known = case.operation.catalogue, case.policy.catalogue
    if names is None or not (known.entries or known.refuses_unknown):
        return None
    name = names.name(case)
    entry = known.entries.get(name) if isinstance(name, str) else None
    if entry is None:
        return _unknown_name(case, as_text(name), names.name_at) if known.refuses_unknown else None
    if entry.status is not None:
        case.noted["catalogue.status"] = entry.status
    if entry.payload is None or names.payload is None:
        return None
    findings = tuple(
        _below(finding, names.payload_at) for finding in entry.payload.findings(names.payload(case))
    )
    return _refuse_or_report(case, Reason.PAYLOAD_INVALID, findings)


def _unknown_name(case: Case, name: str, pointer: str) -> Refused | None:
    known = sorted(case.policy.catalogue.entries)
    near = nearest(name, known)
    fix = f"Did you mean {near!r}?" if near else "Add it to the catalogue, or trigger a known name."
    message, expected = f"{cut(name)!r} is not in the catalogue", cut(", ".join(known) or "no name at all")
    finding = Finding(
        "body", pointer, first_step(pointer), "catalogue", message, expected, cut(name), cut(name), fix
    )
    return _refuse_or_report(case, Reason.NOT_IN_CATALOGUE, (finding,))


def _below(finding: Finding, place: str) -> Finding:
    """Return a finding about a payload as one about the body that holds it; its field stays the payload's."""
    return finding._replace(pointer=place + finding.pointer, field=dotted(finding.pointer))


def repetition(case: Case, rule: DedupRule) -> Outcome | None:
    """Has this key been used before? Where not, take it for this request."""
    if (found := rule.key(case)) is ABSENT or is_empty(value := trimmed(rule, found)):
        if rule.issues is not None:
            case.issued += ((rule, case.key_of(rule, rule.issues(case))),)
        return None
    case.noted["key"] = value
    if rule.max_length is not None and len(as_text(value)) > rule.max_length:
        expected, received = f"at most {rule.max_length} characters", f"{len(as_text(value))} characters"
        return _key_refused(
            Reason.KEY_TOO_LONG, rule, f"must have {expected}", expected, received, "Use a shorter key."
        )
    case.add_headers(rule.always)
    key = case.key_of(rule, value)
    fingerprint = fingerprint_of(case.body) if rule.compares_body and case.body is not ABSENT else ""
    match case.keys.judge(key, fingerprint, case.now):
        case Free():
            if rule.in_flight_ttl is not None:
                case.keys.hold(key, case.number, case.now + rule.in_flight_ttl)
            case.keys_taken.append((rule, key, fingerprint))
            return None
        case Busy():
            message = "belongs to a request that is still being processed"
            return _key_refused(
                Reason.IN_FLIGHT, rule, message, "a key that is free", "one in use", "Wait, then try again."
            )
        case Mismatched(original):
            message = f"was used with another body by call #{original}"
            fix = "Use a new key for a new body."
            return _key_refused(
                Reason.KEY_REUSED, rule, message, f"the body of call #{original}", "another body", fix
            )
        case Seen() as seen:
            return _repeated(case, rule, key, seen)


def _repeated(case: Case, rule: DedupRule, key: Key, seen: Seen) -> Repeated:
    """Answer as the first request was answered, or, where that was another operation, as this one answers."""
    case.labels.update(seen.made)
    is_own = seen.operation in {"", case.operation.id}
    if not is_own:
        case.repeats = key
    if not case.deviations and case.body is not ABSENT:  # the rule came before validation
        note_deviations(case, case.validator.judge(case)[1])
    return Repeated(rule.name, seen.original, seen.response if is_own else None)


def _key_refused(
    reason: Reason, rule: DedupRule, message: str, expected: str, received: str, fix: str
) -> Refused:
    finding = Finding(
        rule.place, rule.pointer, dotted(rule.pointer), str(reason), message, expected, received, None, fix
    )
    return Refused(reason, (finding,), rule.name)


def refusal(case: Case, rule: RefusalRule) -> Refused | None:
    """Does an extra rule of the API refuse this request?"""
    if case.findings or not _breaks(case, rule):  # a rule beyond the schema is for what meets the schema
        return None
    message = as_text(rule.message(case))
    expected = f"what meets the rule {rule.name}"
    finding = Finding("body", rule.at, rule.field, rule.name, message, expected, sentences=rule.sentences)
    return _refuse_or_report(case, rule.reason, (finding,), rule.name)


def refusal_of_size(case: Case, rule: RefusalRule) -> Refused | None:
    """Does a rule about the size of a part refuse this request?"""
    if len(case.request.body) * 5 < (
        rule.max_bytes or 0
    ):  # compact JSON never grows to five times what was sent
        return None
    return refusal(case, rule)


def _breaks(case: Case, rule: RefusalRule) -> bool:
    if rule.unless is not None:
        return not case.validator.rules[rule.name].accepts(case.body)
    if rule.equal is not None:
        ours, theirs = (walk(case.body, pointer) for pointer in rule.equal)
        return ours is not ABSENT and theirs is not ABSENT and encode(ours) != encode(theirs)
    return _is_too_large(case, rule)


def _is_too_large(case: Case, rule: RefusalRule) -> bool:
    value = walk(case.body, rule.at)
    if isinstance(value, dict):
        value = {name: member for name, member in value.items() if name not in rule.leaving_out}
    size = 0 if value is ABSENT else compact_size(value)
    case.noted["size"] = size
    return size > (rule.max_bytes or 0)


CHECKS: Final[Mapping[str, Check]] = {
    "parsing": parsing,
    "authentication": authentication,
    "rate-limit": rate_limit,
    "validation": validation,
    "catalogue": catalogue,
}
