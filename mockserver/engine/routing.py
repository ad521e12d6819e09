"""Method and path to the operation that answers, or why there is none.

Paths are matched as decoded segments: ``%2F`` inside a segment stays a character of that segment, and the
query takes no part. A path that begins with several slashes is read as one that begins with one, since
SDKs join a base URL that ends in a slash with a path. Nothing is ever redirected.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mockserver.engine.contract import Api, Operation, Route
from mockserver.engine.faults import SpecError
from mockserver.engine.paths import anonymous, normal_path, path_values
from mockserver.engine.values import pointer_of


@dataclass(frozen=True, slots=True)
class Found:
    """A route took the request; ``values`` are its path variables and ``supplied`` its header parameters."""

    route: Route
    values: Mapping[str, str] = field(default_factory=dict)
    supplied: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> Operation:
        """The operation behind the route."""
        return self.route.operation


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """The path is known, the method is not; ``found`` is what another method would have found."""

    found: Found
    allowed: tuple[str, ...]

    @property
    def operation(self) -> Operation:
        """The operation behind the path, under another method."""
        return self.found.operation


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No API has this path."""


Routed = Found | WrongMethod | NoRoute


class Router:
    """The routes of all APIs that are served. Raises `SpecError` when two operations claim one route."""

    def __init__(self, apis: Iterable[Api]) -> None:
        self._static: dict[str, dict[str, Found]] = {}
        self._patterns: list[Route] = []
        self.routes = [route for api in apis for route in api.routes]
        for route in self.routes:
            if route.pattern is None:
                self._static.setdefault(route.path, {})[route.method] = Found(route)
            else:
                self._patterns.append(route)
        _refuse_clashes(self.routes)

    def route(self, method: str, path: str) -> Routed:
        """Find the operation for a method and a path as sent, without its query."""
        methods = self._static.get(path)
        if methods is not None and (found := methods.get(method)) is not None:
            return found
        path = normal_path(path)
        own, matching = self._static.get(path, {}), self._matching(path)
        if (found := own.get(method, matching.get(method))) is not None:
            return found
        methods = own or matching  # of a path without variables, what is documented there
        if not methods:
            return NoRoute()
        return WrongMethod(next(iter(methods.values())), allowed=tuple(sorted({*methods, "OPTIONS"})))

    def _matching(self, path: str) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for route in self._patterns:
            if route.pattern is not None and (match := route.pattern.fullmatch(path)):
                values = path_values(route.path, match)
                supplied = {name: values[variable] for name, variable in route.supplies.items()}
                found.setdefault(route.method, Found(route, values, supplied))
        return found

    def nearest(self, method: str, path: str, count: int = 3) -> list[Route]:
        """Return the routes that look most like what was asked for, best first."""
        asked = normal_path(path).lower()

        def likeness(route: Route) -> float:
            same_method = 0.05 if route.method == method else 0.0
            return difflib.SequenceMatcher(None, asked, route.path.lower()).ratio() + same_method

        near = sorted(self.routes, key=likeness, reverse=True)
        return [route for route in near if likeness(route) > 0.5][:count]


def mounted(api: Api, prefix: str) -> Api:
    """Return an API whose routes are below a prefix, as if its base URL ended in it."""
    return replace(api, routes=tuple(_below(route, prefix) for route in api.routes))


def _below(route: Route, prefix: str) -> Route:
    pattern = None if route.pattern is None else re.compile(re.escape(prefix) + route.pattern.pattern)
    return replace(route, path=prefix + route.path, pattern=pattern, prefix=prefix)


def _refuse_clashes(routes: Iterable[Route]) -> None:
    claimed: dict[tuple[str, str], Route] = {}
    problems = []
    for route in routes:
        if route.path.split("/")[1].startswith("__") or route.path == "/":
            text = f"{route.method} {route.path} is the mock's own; serve the API below a prefix"
            problems.append((route.operation.api, _place_of(route), text))
        key = (route.method, anonymous(route.path))
        other = claimed.setdefault(key, route)
        if other is not route:
            here, there = route.operation, other.operation
            advice = f"serve one of them below a path: --prefix {here.api}=/{here.api}"
            text = f"{route.method} {route.path} is {there.id} of {there.api} already; {advice}"
            problems.append((here.api, _place_of(route), text))
    if problems:
        raise SpecError(problems)


def _place_of(route: Route) -> str:
    return pointer_of(["paths", route.operation.path, route.operation.method.lower()])
