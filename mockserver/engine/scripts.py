"""Response definitions, in WireMock's words: what is read into a script, and what is refused."""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mockserver.engine.delays import Delay, Fixed, read_distribution, read_milliseconds
from mockserver.engine.exchange import JSON
from mockserver.engine.headers import CALL_ID
from mockserver.engine.matching import Fault, short
from mockserver.engine.rules import FAULTS, Dribble, Script
from mockserver.engine.values import below, encode, nearest

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SET_BY_SERVER: Final = frozenset({"content-length", "transfer-encoding", CALL_ID})
_BODIES: Final = ("body", "jsonBody", "base64Body")
RESPONSE: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("status", "statusMessage", "headers", "fault", *_BODIES), True),
    **dict.fromkeys(("fixedDelayMilliseconds", "delayDistribution", "chunkedDribbleDelay"), True),
    **dict.fromkeys(
        (
            "proxyBaseUrl", "bodyFileName", "transformers", "transformerParameters", "additionalProxyRequestHeaders",
            "removeProxyRequestHeaders", "proxyUrlPrefixToRemove", "fromConfiguredStub",
        ),
        False,
    ),
}  # fmt: skip
"""Every member of a response, and whether it may hold something."""


def read_script(source: JSON, example: JSON, at: str, faults: list[Fault]) -> Script | None:
    """Read a response; ``example`` stands beside it. Its faults are added to the list."""
    if not isinstance(source, dict):
        faults.append((at, f"a response is an object, not {short(source)}"))
        return None
    given = without_nulls(source)
    refuse_unknown(given, RESPONSE, "a response", at, faults)
    bodies = [name for name in _BODIES if name in given]
    if len(bodies) + (example is not None) > 1:
        told = f"a response has one body, not {' and '.join([*bodies, *(['example'] if example else [])])}"
        faults.append((below(at, bodies[0]), told))
    script = Script(
        status=_status(given, at, faults),
        phrase=_phrase(given, at, faults),
        headers=_headers(given, at, faults),
        body=_body(source, bodies[0], at, faults) if bodies else None,
        example=example if isinstance(example, str) else None,
        fault=_fault(given, at, faults),
        delays=_delays(given, at, faults),
        dribble=_dribble(given, at, faults),
    )
    if not script.answers and (script.headers or script.phrase):
        faults.append((at, "has headers or a phrase, but no answer that they belong to; add a status"))
    if "jsonBody" in bodies and not any(name.lower() == "content-type" for name, _ in script.headers):
        return replace(script, headers=(("Content-Type", "application/json"), *script.headers))
    return script


def without_nulls(response: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the members of a response that say something; a null is a body where there is no other."""
    told = {name: value for name, value in response.items() if value is not None}
    if "jsonBody" in response and not any(name in told for name in _BODIES):
        told["jsonBody"] = response["jsonBody"]
    return told


def _status(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> int | None:
    value = given.get("status")
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 599
    ):
        faults.append((below(at, "status"), f"must be a number from 100 to 599, not {short(value)}"))
        return None
    return value


def _phrase(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> str:
    phrase = read_text(given, "statusMessage", at, faults) or ""
    if not (phrase.isprintable() and phrase.isascii()):
        faults.append((below(at, "statusMessage"), "must be printable ASCII in one line"))
    return phrase


def _headers(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> tuple[tuple[str, str], ...]:
    source, place = given.get("headers", {}), below(at, "headers")
    if not isinstance(source, dict):
        faults.append((place, f"must map names to values, not be {short(source)}"))
        return ()
    pairs = [
        (name, value)
        for name, each in source.items()
        for value in (each if isinstance(each, list) else [each])
    ]
    found = []
    for name, value in pairs:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if told := _wrong_header(name, text):
            faults.append((below(place, name), told))
        else:
            found.append((name, text))
    return tuple(found)


def _wrong_header(name: str, value: JSON) -> str:
    if not _TOKEN.fullmatch(name):
        return "is not the name of a header"
    if name.lower() in _SET_BY_SERVER:
        return "is set by the server"
    if not isinstance(value, str):
        return f"must be a text, not {short(value)}"
    if any(character in value for character in "\0\r\n") or any(ord(character) > 255 for character in value):
        return "must be one line of Latin-1"
    return ""


def _body(source: Mapping[str, JSON], name: str, at: str, faults: list[Fault]) -> bytes | None:
    if name == "jsonBody":
        return encode(source[name])
    text = read_text(source, name, at, faults) or ""
    if name == "body":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # also of a text that is not ASCII
        faults.append((below(at, name), "must be base64"))
        return None


def _fault(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> str | None:
    value = given.get("fault")
    if value is not None and value not in FAULTS:
        faults.append((below(at, "fault"), f"must be one of {', '.join(FAULTS)}, not {short(value)}"))
        return None
    return value


def _delays(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> tuple[Delay, ...]:
    found: list[Delay] = []
    if "fixedDelayMilliseconds" in given:
        place = below(at, "fixedDelayMilliseconds")
        found.append(Fixed(read_milliseconds(given["fixedDelayMilliseconds"], place, faults)))
    if "delayDistribution" in given:
        drawn = read_distribution(given["delayDistribution"], below(at, "delayDistribution"), faults)
        found += [drawn] if drawn is not None else []
    return tuple(found)


def _dribble(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> Dribble | None:
    if (source := given.get("chunkedDribbleDelay")) is None:
        return None
    place, before = below(at, "chunkedDribbleDelay"), len(faults)
    if not isinstance(source, dict) or set(source) != {"numberOfChunks", "totalDuration"}:
        faults.append((place, "must be an object of numberOfChunks and totalDuration"))
        return None
    pieces = read_count(source, "numberOfChunks", place, faults)
    if source["numberOfChunks"] is None:
        faults.append((below(place, "numberOfChunks"), "must be a whole number from 1, not null"))
    total = read_milliseconds(source["totalDuration"], below(place, "totalDuration"), faults)
    return None if pieces is None or len(faults) > before else Dribble(pieces, total / 1000)


def refuse_unknown(
    given: Mapping[str, JSON], known: Mapping[str, bool], what: str, at: str, faults: list[Fault]
) -> None:
    """Refuse members that are not known, and those that are known and not offered, unless they are empty."""
    for name, value in given.items():
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near}?" if near else ""
            faults.append((below(at, name), f"{name} is no member of {what}{hint}"))
        elif not known[name] and value:
            faults.append((below(at, name), f"{name} is not offered here"))


def read_text(given: Mapping[str, JSON], name: str, at: str, faults: list[Fault]) -> str | None:
    """Read a member that has to be a text; None where there is none, or an empty one."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        faults.append((below(at, name), f"must be a text, not {short(value)}"))
        return None
    return value or None


def read_count(given: Mapping[str, JSON], name: str, at: str, faults: list[Fault]) -> int | None:
    """Read a member that has to be a whole number from 1; None where there is none."""
    value = given.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        faults.append((below(at, name), f"must be a whole number from 1, not {short(value)}"))
        return None
    return value
