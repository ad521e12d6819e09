"""The table of the README: what each SDK was seen to do, made from the records and ``x-mock.sdk`` of the specs alone.

Each remark follows from the record by a rule that knows no SDK.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from tests.installing import ROOT
from tests.sdk import records
from tests.sdk.scenarios import FORCED
from tests.sdk.sdks import SDKS, TRIGGERS, Sdk, specified

JSON = Any
Record = Mapping[str, JSON]
README: Final = ROOT / "README.md"
BEGIN, END = "<!-- sdk-table -->\n", "<!-- /sdk-table -->"
URL: Final = "http://127.0.0.1:4747"
UNDECODED: Final = {"ResponseValidationError"}  # of generated SDKs, for an answer that they cannot decode
NO_ERRORS: Final = {"string", "undefined"}  # what JavaScript can throw as well
REDIRECTED: Final = "an-sdk-whose-host-is-fixed-in-code"
LANGUAGES: Final = {"PyPI": "Python", "npm": "JavaScript"}
HEAD: Final = (
    "| API | SDK | how to point it here | version | language | route | scenarios | what it does |\n"
    "|---|---|---|---|---|---|---|---|"
)


def rewritten(readme: str) -> str:
    """Return the README with the table that the records make."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"the README has no {BEGIN}"
    assert end, f"the README has no {END}"
    return f"{before}{BEGIN}{table()}{END}{after}"


def table() -> str:
    """Return the table, and the SDKs that the specs know and the suite does not."""
    told = [HEAD, *(_row(sdk, records.read(sdk.name)) for sdk in SDKS)]
    if others := [each for name in TRIGGERS for each in _not_tried(name)]:
        told += ["", "Known, and not tried:", "", "| SDK | how to point it here |", "|---|---|", *others]
    return "\n".join([*told, ""])


def _not_tried(api: str) -> Iterator[str]:
    tried = {(sdk.registry, sdk.package) for sdk in SDKS}
    for known in specified(api)["sdk"]:
        if (known["registry"], known["package"]) not in tried:
            yield f"| {known['registry']} `{known['package']}` | `{_code(known)}` |"


def _code(known: Mapping[str, JSON]) -> str:
    return str(known["code"]).replace("{url}", URL)


def _row(sdk: Sdk, record: Record) -> str:
    cells = [
        specified(sdk.api)["title"],
        f"{sdk.registry} `{sdk.package}`" + (f", {sdk.variant}" if sdk.variant else ""),
        f"[`https://{sdk.host}`](#{REDIRECTED})" if sdk.host else f"`{_code(sdk.known)}`",
        record["version"],
        LANGUAGES[sdk.registry],
        f"`{_calls(record, 'success')[0]['path']}`",
        passed(record),
        "; ".join(remark for rule in REMARKS for remark in rule(record)),
    ]
    return f"| {' | '.join(cells)} |"


# What passes


def passed(record: Record) -> str:
    """Return how many scenarios an SDK passes as is to be expected, and a word for each of the others."""
    words: dict[str, list[str]] = {}
    for name in record["scenarios"]:
        words.setdefault(_word(record, name), []).append(name)
    passed = len(words.pop("✓", []))
    return "; ".join([f"{passed} ✓", *(f"{word}: {', '.join(names)}" for word, names in words.items())])


def _word(record: Record, name: str) -> str:
    """Return ✓ for a scenario that an SDK can be expected to pass so, or the word for what it does instead."""
    if "unsupported" in record["scenarios"][name]:
        return "cannot"
    answers, calls = record["scenarios"][name]["sdk"], _calls(record, name)
    if not calls:
        return "refuses"
    if _is_crash(answers[-1], calls[-1]):
        return "crashes"
    if calls[-1]["status"] >= 400 and _is_ok(answers[-1]):
        return "taken for success"
    if name in FORCED and len(calls) > 1:
        return "retried"
    return "✓"


# What it does beyond that: each rule takes a record and yields remarks


def _retries(record: Record) -> Iterator[str]:
    retried = sorted(name for name in FORCED if len(_calls(record, name)) > 1)
    if not retried:
        yield "does not retry"
        return
    facts = record["facts"]
    long = f" for up to {_duration(facts['retriesForSeconds'])}" if "retriesForSeconds" in facts else ""
    often = f", {_times(facts['retriesTimes'])}" if "retriesTimes" in facts else ""
    yield f"retries {_listed(retried)}{long}{often}"


def _waits(record: Record) -> Iterator[str]:
    waited = {call["waited"] for call in _calls(record, "429") if "waited" in call}
    if waited == {"as long as asked"}:
        yield "honours `Retry-After`"
    elif waited:
        yield "does not honour `Retry-After`"


def _keys(record: Record) -> Iterator[str]:
    attempts = _keys_of_retries(record)
    renewed = sorted(name for name, keys in attempts.items() if len(set(keys)) > 1)
    if renewed and len(renewed) == len(attempts):
        yield "sends a new `Idempotency-Key` on each attempt, unless given one"
    elif attempts:
        other = f", with a new one after a {_listed(renewed)}" if renewed else ""
        yield f"makes an `Idempotency-Key`, and keeps it when it retries{other}"
    elif any("idempotency-key" in call for call in _calls(record, "success")):
        yield "sends an `Idempotency-Key` of its own"


def _swallows(record: Record) -> Iterator[str]:
    taken = sorted({
        str(calls[-1]["status"])
        for name in record["scenarios"]
        if (calls := _calls(record, name)) and calls[-1]["status"] >= 400 and _is_ok(_answers(record, name)[-1])
    })  # fmt: skip
    if taken:
        yield f"takes a {_listed(taken)} for success"


def _crashes(record: Record) -> Iterator[str]:
    seen: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name in record["scenarios"]:
        answers, calls = _answers(record, name), _calls(record, name)
        if calls and _is_crash(answers[-1], calls[-1]):
            which = "" if calls[-1]["status"] < 400 or "answered" in calls[-1] else " without a body"
            statuses = seen.setdefault((answers[-1]["raised"]["type"], which), {})
            statuses.setdefault(str(calls[-1]["status"]), []).append(name)
    for (kind, which), statuses in seen.items():
        told = [_on(status, names, which) for status, names in sorted(statuses.items())]
        yield f"raises `{kind}` on a {_listed(told)}{which}"


def _on(status: str, names: Sequence[str], which: str) -> str:
    """Return a status with the scenarios in which an SDK choked on it: it may decode another answer of that status."""
    return status if which or names == [status] else f"{status} ({', '.join(names)})"


def _returns(record: Record) -> Iterator[str]:
    if any("returned" in answer and not _is_ok(answer) for answer in _everything(record)):
        yield "returns failures instead of raising them"


def _keeps_quiet(record: Record) -> Iterator[str]:
    told = [
        any(sentence in str(answers[-1]) for sentence in _sentences(calls[-1]["answered"]))
        for name in ("429, no retries", "refused key", "invalid")
        if (answers := _answers(record, name)) and not _is_ok(answers[-1])
        if (calls := _calls(record, name)) and "answered" in calls[-1]
    ]
    if told and not any(told):
        yield "keeps the server's message to itself"


def _keeps_the_status(record: Record) -> Iterator[str]:
    told = [
        _tells_of(answers[-1], calls[-1]["status"])
        for name in ("429, no retries", "refused key", "invalid")
        if (answers := _answers(record, name)) and not _is_ok(answers[-1])
        if (calls := _calls(record, name))
    ]
    if told and not any(told):
        yield "does not tell the status"


def _throws(record: Record) -> Iterator[str]:
    kinds = {answer["raised"]["type"] for answer in _everything(record) if "raised" in answer}
    if thrown := sorted(kinds & NO_ERRORS):
        yield f"throws {_listed([f'`{kind}`' for kind in thrown])} instead of an error"


def _checks(record: Record) -> Iterator[str]:
    if len(_answers(record, "invalid")) > len(_calls(record, "invalid")):
        yield "checks requests before it sends them"


def _without_a_key(record: Record) -> Iterator[str]:
    answers, calls = _answers(record, "no key"), _calls(record, "no key")
    if answers and not calls:
        yield f"without a key it raises `{answers[-1]['raised']['type']}`"
    for call in calls:
        if call["outcome"] == "admitted":
            yield f"without a key it sends `{call['authorization']}`"


def _short_key(record: Record) -> Iterator[str]:
    if not _calls(record, "short key"):
        yield "refuses short keys"


def _slashes(record: Record) -> Iterator[str]:
    for name, where in (("slash", "with a slash"), ("no slash", "without a slash")):
        for call in _calls(record, name):
            if call["path"] != _calls(record, "success")[0]["path"]:
                yield f"{where} at the end of the URL it sends `{call['path']}`"


def _patience(record: Record) -> Iterator[str]:
    if "timeoutSeconds" in record["facts"]:
        seconds = record["facts"]["timeoutSeconds"]
        yield "sets no timeout" if seconds is None else f"waits {_duration(seconds)} for an answer"


REMARKS: Final[Sequence[Callable[[Record], Iterator[str]]]] = (
    _retries,
    _waits,
    _keys,
    _swallows,
    _crashes,
    _returns,
    _throws,
    _keeps_quiet,
    _keeps_the_status,
    _checks,
    _without_a_key,
    _short_key,
    _slashes,
    _patience,
)


# The parts of a record


def _calls(record: Record, name: str) -> list[JSON]:
    return list(record["scenarios"].get(name, {}).get("journal", ()))


def _answers(record: Record, name: str) -> list[JSON]:
    return list(record["scenarios"].get(name, {}).get("sdk", ()))


def _everything(record: Record) -> list[JSON]:
    return [answer for name in record["scenarios"] for answer in _answers(record, name)]


def _is_ok(answer: JSON) -> bool:
    return bool(answer.get("ok", "returned" in answer))


def _is_crash(answer: JSON, call: JSON) -> bool:
    """Tell whether the SDK raised something that tells nothing of the answer that it got."""
    if "raised" not in answer:
        return False
    raised = answer["raised"]
    is_told = any(sentence in raised["message"] for sentence in _sentences(call.get("answered")))
    return raised["type"] in UNDECODED or (raised.get("status") is None and not is_told)


def _tells_of(answer: JSON, status: int) -> bool:
    return answer["raised"]["status"] is not None if "raised" in answer else str(status) in str(answer)


def _sentences(body: JSON) -> Iterator[str]:
    """Yield the texts of a body that say something: of more than a word."""
    match body:
        case str():
            if " " in body:
                yield body
        case list():
            for each in body:
                yield from _sentences(each)
        case dict():
            for each in body.values():
                yield from _sentences(each)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _keys_of_retries(record: Record) -> Mapping[str, list[str]]:
    """Return the keys that were sent in each scenario in which an SDK came again and sent any."""
    sent = {name: [call.get("idempotency-key") for call in _calls(record, name)] for name in FORCED}
    return {name: keys for name, keys in sent.items() if len(keys) > 1 and None not in keys}


def renewed(record: Record) -> set[str]:
    """Return the headers of keys that an SDK was seen to make anew for every other attempt."""
    attempts = _keys_of_retries(record).values()
    return {"idempotency-key"} if attempts and all(len(set(keys)) > 1 for keys in attempts) else set()
