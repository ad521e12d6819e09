"""What an API is here, for people and programs: routes, SDKs, what is emulated, chosen, and left out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mockserver.engine.contract import Api, Operation, RateLimit
from mockserver.engine.exchange import JSON
from mockserver.engine.values import duration_text


def base_url(host: str, port: int, scheme: str = "http") -> str:
    """Return the base URL of a server."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def routes_of(api: Api) -> list[dict[str, JSON]]:
    """Return the routes of an API as a program reads them."""
    return [
        {"method": route.method, "path": route.path, "operation": route.operation.id} for route in api.routes
    ]


def api_overview(api: Api, limits: Mapping[str, RateLimit], url: str) -> dict[str, JSON]:
    """Return an API as a program reads it, with the rate limits in force, by operation; ``url`` is that of the mock."""
    words = api.document.get("x-mock", {})
    prefix = next((route.prefix for route in api.routes), "")
    return {
        "name": api.name,
        "title": api.title,
        "profile": api.profile,
        "url": url + prefix,
        "source": words.get("source"),
        "routes": routes_of(api),
        "sdks": [{**sdk, "code": sdk["code"].replace("{url}", url + prefix)} for sdk in words.get("sdk", [])],
        "emulated": list(_grouped(api, limits)),
        "ownChoices": [*words.get("choices", []), *_deviations(api, own=True)],
        "deviations": list(_deviations(api, own=False)),
        "notEmulated": words.get("omissions", []),
    }


_OWN: Final = "This mock's choice"


def _deviations(api: Api, *, own: bool) -> Iterator[str]:
    for deviation in api.deviations.values():
        if api.profile in deviation.profiles and deviation.evidence.startswith(_OWN) is own:
            yield f"{deviation.id}: {deviation.evidence}"


def _grouped(api: Api, limits: Mapping[str, RateLimit]) -> Iterator[str]:
    """Yield what the spec makes the mock do; what holds for some operations only, with their names."""
    named: dict[str, list[str]] = {}
    for operation in api.operations:
        for sentence in _emulated(operation, limits.get(operation.id)):
            named.setdefault(sentence, []).append(f"{operation.method} {operation.path}")
    for sentence, names in named.items():
        yield sentence if len(names) == len(api.operations) else f"{', '.join(names)}: {sentence}"


def _emulated(operation: Operation, in_force: RateLimit | None) -> Iterator[str]:
    yield f"checks in this order: {', '.join(_acting(operation, in_force))}"
    statuses = sorted({answer.status for answer in operation.answers.values()})
    refusals = ", ".join(map(str, statuses)) or "the mock's own problem documents"
    yield f"answers {operation.success.status}; refuses with {refusals}"
    for rule in operation.dedup.values():
        held = f", held in flight for {duration_text(rule.in_flight_ttl)}" if rule.in_flight_ttl else ""
        compared = "; another body is refused" if rule.compares_body else ", whatever the body"
        yield f"repeats by {rule.name}, remembered for {duration_text(rule.ttl)}{held}{compared}"
    known = in_force or operation.rate_limit
    if known is not None:
        state = "in force" if in_force is not None else "off unless --enforce-limits or --limit turns it on"
        yield f"rate limit of {known.limit} in {duration_text(known.window)}, bursts of {known.burst}; {state}"


def _acting(operation: Operation, in_force: RateLimit | None) -> Iterator[str]:
    """Yield the checks that can say something."""
    idle = {
        "authentication": not operation.shape.security,
        "rate-limit": operation.rate_limit is None and in_force is None,
        "catalogue": operation.catalogue is None,
    }
    yield from (name for name in operation.checks if not idle.get(name, False))


_HEADINGS: Final = (
    ("emulated", "Emulated"),
    ("deviations", "Departures from the published contract, as observed"),
    ("ownChoices", "This mock's own choices"),
    ("notEmulated", "Not emulated"),
)


def overview_text(overview: Mapping[str, JSON]) -> str:
    """Return an API's overview for a person."""
    lines = [
        f"{overview['title']}  (--api {overview['name']}, {overview['profile']})",
        f"  base URL  {overview['url']}",
    ]
    lines += [f"  {route['method']:<8}  {route['path']}" for route in overview["routes"]]
    if overview["sdks"]:
        lines += ["  SDKs", *(line for sdk in overview["sdks"] for line in _sdk_lines(sdk))]
    for key, heading in _HEADINGS:
        if overview[key]:
            lines += [f"  {heading}", *_listed(overview[key])]
    return "\n".join(lines)


def _sdk_lines(sdk: Mapping[str, JSON]) -> Iterator[str]:
    yield f"    {sdk['registry']} {sdk['package']}: {sdk['code']}"
    for note in sdk.get("notes", []):
        yield f"      {note}"


def _listed(sentences: Sequence[str]) -> list[str]:
    return [f"    - {sentence}" for sentence in sentences]
