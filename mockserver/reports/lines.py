"""A call in one line of text: number, status, API, what it was about, and the verdict.

What a request brought is shown with its control characters escaped: a payload must not steer a terminal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from mockserver.engine.exchange import Exchange
from mockserver.engine.journal import ABORTED, ANSWERED, WAITING
from mockserver.engine.values import cut
from mockserver.reports.redaction import concealed
from mockserver.reports.sensitive import Sensitive
from mockserver.wire import serve_event

_RED, _GREEN, _YELLOW, _CYAN, _DIM = "31", "32", "33", "36", "2"

Paint = Callable[[str, str], str]


def text_line(exchange: Exchange, paint: Paint) -> str:
    """Return a call as a line for a person."""
    answered = exchange.state == ANSWERED and exchange.fault is None
    status = paint(str(exchange.status), _status_colour(exchange.status)) if answered else paint("---", _DIM)
    number = paint(f"#{exchange.number}".rjust(5), _DIM)
    where = f"~{exchange.namespace} " if exchange.namespace else ""
    told = f"{exchange.request.method} {shown(exchange.request.path)}"
    if exchange.name:
        told = (
            f"{shown(exchange.name)} → {shown(exchange.recipient)}"
            if exchange.recipient
            else shown(exchange.name)
        )
    verdict = verdict_of(exchange)
    painted = paint(verdict, _verdict_colour(exchange)) if verdict else ""
    return f"{number}  {status}  {(exchange.api or '-').ljust(9)} {where}{told}  {painted}".rstrip()


def verdict_of(exchange: Exchange) -> str:
    """Return what became of a call, in a few words; nothing for one that was simply admitted."""
    if exchange.state == ABORTED:
        return "the client went away"
    if exchange.outcome == "repeated":
        return f"repeat of #{exchange.repeat_of}"
    if exchange.state == WAITING:
        return f"held back for {exchange.delay:g} s"
    if exchange.outcome == "scripted":
        made = f"{exchange.fault}, " if exchange.fault is not None else ""
        rule = (
            f"a rule ({exchange.stub[:8]})"
            if exchange.stub and exchange.rule == exchange.stub
            else exchange.rule
        )
        return f"{made}forced by {rule}"
    if exchange.findings:
        return f"{'admitted: ' if exchange.outcome == 'admitted' else ''}{_told(exchange.findings)}"
    if exchange.reason is not None:
        return exchange.reason
    return f"leans on {', '.join(exchange.deviations)}" if exchange.deviations else ""


def _told(findings: Sequence[Mapping[str, str]]) -> str:
    told = problem_of(findings[0])
    return told if len(findings) == 1 else f"{len(findings)} problems: {told}"


def problem_of(finding: Mapping[str, str]) -> str:
    """Return what is wrong, and where, in a few words."""
    place, name = finding["in"], finding["pointer"]
    where = f"{place} {name[1:]}" if name and place != "body" else name or f"the {place}"
    return f"{shown(where)} {shown(finding['message'])}"


def shown(text: str | None, limit: int = 120) -> str:
    """Return text that came from outside, safe for a terminal."""
    told = cut(text or "", limit)
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in told)


def _status_colour(status: int) -> str:
    return _GREEN if status < 300 else _YELLOW if status in {409, 429, 503} else _RED


def _verdict_colour(exchange: Exchange) -> str:
    if exchange.outcome == "refused":
        return _YELLOW if exchange.reason in {"rate-limited", "in-flight"} else _RED
    return _CYAN if exchange.outcome == "repeated" else _YELLOW if exchange.outcome == "scripted" else _DIM


def text(exchanges: Iterable[Exchange], sensitive: Sensitive) -> str:
    """Return calls for a person: one line each, and one for each further thing that is wrong; without secrets."""
    told = (concealed({"": _lines(each)}, serve_event(each), sensitive)[""] for each in exchanges)
    return "".join(f"{each}\n" for each in told)


def _lines(exchange: Exchange) -> str:
    more = [f"            {problem_of(each)}" for each in exchange.findings[1:]]
    return "\n".join([text_line(exchange, lambda told, _: told), *more])
