"""The control plane under ``/__admin``: the journal, starting afresh, and health.

Its routes and shapes are those of WireMock's admin API, so that its clients can read this server. Every
route stands in `ROUTES`; the guard stands before all of them.
"""

import re
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver import __version__
from mockserver.engine.compiler import compile_api
from mockserver.engine.deviations import PROFILES
from mockserver.engine.effective import effective_document
from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.routing import mounted
from mockserver.engine.values import encode, iso_time
from mockserver.engine.world import Blueprint
from mockserver.overview import api_overview
from mockserver.server.guard import Barred, guard, host_of
from mockserver.stage import Stage
from mockserver.wire import serve_event, was_matched
from mockserver.yamltext import write_yaml

T = TypeVar("T")
PREFIX: Final = "/__admin"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def answer_json(
    value: JSON, status: int = 200, media_type: str = "application/json", **headers: str
) -> Response:
    """Return a JSON answer of the control plane."""
    return Response(encode(value), status, {**HEADERS, **headers}, media_type)


class Control:
    """The routes of the control plane, over one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def list_requests(self, request: Request) -> Response:
        """``GET /requests?limit=&since=&unmatched=true``: the calls, newest first; all are counted in ``total``."""
        errors: list[JSON] = []
        limit = _read(request, "limit", _limit, "is not a number of calls", errors)
        since = _read(request, "since", _since, "is not a valid ISO8601 date", errors)
        if errors:
            return answer_json({"errors": errors}, 400)
        journal = self._stage.world.journal
        unmatched = request.query_params.get("unmatched", "").lower() == "true"
        most = len(journal) if limit is None else limit
        if since is None and not unmatched:
            shown, total = journal.recent(most), len(journal)
        else:
            found = [each for each in journal.newest_first() if _is_wanted(each, since, unmatched=unmatched)]
            shown, total = found[:most], len(found)
        events = [serve_event(each) for each in shown]
        return self._journal_answer(
            {"requests": events, "meta": {"total": total}, "requestJournalDisabled": False}
        )

    async def get_request(self, request: Request) -> Response:
        """``GET /requests/{id}``: one call; 404 with an empty body where the journal has it no more."""
        id_ = request.path_params["id"]
        if not re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", id_):
            return answer_json({"errors": [{"code": 10, "title": f"{id_} is not a valid UUID"}]}, 400)
        exchange = self._stage.world.journal.get(id_.lower())
        if exchange is None:
            return Response(status_code=404, headers=HEADERS)
        return self._journal_answer(serve_event(exchange))

    async def delete_requests(self, _: Request) -> Response:
        """``DELETE /requests``: empty the journal, and nothing else."""
        self._stage.world.journal.clear()
        return answer_json({})

    async def reset(self, _: Request) -> Response:
        """``POST /reset``: start afresh; journal, keys, limits and clock."""
        self._stage.reset()
        return answer_json({})

    async def list_apis(self, request: Request) -> Response:
        """``GET /apis``: what is served, how SDKs are pointed here, what is emulated and what is not."""
        url = str(request.base_url).rstrip("/")
        blueprint = self._stage.world.blueprint
        shown = [api_overview(api, blueprint.policies[api.name].limits, url) for api in blueprint.apis]
        return answer_json({"apis": shown})

    async def openapi_yaml(self, request: Request) -> Response:
        """``GET /apis/{api}/openapi.yaml?profile=``: the effective document of an API; see `effective`."""
        document = self._document(request)
        if isinstance(document, Response):
            return document
        return Response(write_yaml(document), headers=HEADERS, media_type="application/yaml")

    async def openapi_json(self, request: Request) -> Response:
        """``GET /apis/{api}/openapi.json?profile=``: the same as JSON."""
        document = self._document(request)
        return document if isinstance(document, Response) else answer_json(document)

    def _document(self, request: Request) -> JSON:
        """Return the document that is asked for, or the response that says why there is none."""
        blueprint, name = self._stage.world.blueprint, request.path_params["api"]
        api = next((each for each in blueprint.apis if each.name == name), None)
        if api is None:
            served = ", ".join(each.name for each in blueprint.apis)
            return _control_problem(
                404, "No such API", f"no API named {name!r} is served; there are {served}"
            )
        profile = request.query_params.get("profile", api.profile)
        if profile == api.profile:
            return effective_document(api, blueprint)
        if profile not in PROFILES:
            told = f"{profile!r} is not a profile; there are {', '.join(PROFILES)}"
            return _control_problem(400, "No such profile", told)
        other = mounted(compile_api(api.name, api.source, profile), api.routes[0].prefix)
        return effective_document(other, Blueprint([other]))

    async def health(self, _: Request) -> Response:
        """``GET /health``: that the server is there, and what it has forgotten."""
        stage, world = self._stage, self._stage.world
        served = ", ".join(api.name for api in world.blueprint.apis)
        counts = f"{len(world.journal)} calls recorded, {world.journal.dropped} dropped"
        keys = f"{len(world.keys)} keys remembered, {world.keys.forgotten} forgotten early"
        return answer_json(
            {
                "status": "healthy",
                "message": f"serving {served}; {counts}; {keys}; {stage.preflights} preflights answered",
                "version": __version__,
                "uptimeInSeconds": int(time.monotonic() - stage.started),
                "timestamp": iso_time(time.time()),
            }
        )

    def _journal_answer(self, value: JSON) -> Response:
        dropped = self._stage.world.journal.dropped
        answer = answer_json(value)
        if dropped:
            answer.headers["X-Mock-Dropped"] = str(dropped)
        return answer


def _is_wanted(exchange: Exchange, since: float | None, *, unmatched: bool) -> bool:
    return (since is None or exchange.received >= since) and not (unmatched and was_matched(exchange))


def _read(request: Request, name: str, parse: Callable[[str], T], fault: str, errors: list[JSON]) -> T | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        errors.append({"code": 10, "source": {"pointer": name}, "title": f"{text} {fault}"})
        return None


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text[:18])  # more than any journal holds, and what a slice can take


def _since(text: str) -> float:
    moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not percent-encoded
    return moment.astimezone().timestamp() if moment.tzinfo is None else moment.timestamp()


Endpoint = Callable[[Control, Request], Awaitable[Response]]
ROUTES: Final[tuple[tuple[str, str, Endpoint], ...]] = (
    ("GET", "/requests", Control.list_requests),
    ("DELETE", "/requests", Control.delete_requests),
    ("GET", "/requests/{id}", Control.get_request),
    ("POST", "/reset", Control.reset),
    ("GET", "/apis", Control.list_apis),
    ("GET", "/apis/{api}/openapi.yaml", Control.openapi_yaml),
    ("GET", "/apis/{api}/openapi.json", Control.openapi_json),
    ("GET", "/health", Control.health),
)


def control_plane(stage: Stage, allowed_hosts: Collection[str] = ()) -> ASGIApp:
    """Return the ASGI application of the control plane, its guard in front."""
    control = Control(stage)
    router = Router(
        routes=[
            Route(path, partial(endpoint, control), methods=[method]) for method, path, endpoint in ROUTES
        ],
        redirect_slashes=False,
        default=_unknown,
    )

    return _Guarded(router, allowed_hosts)


class _Guarded:
    """The routes behind the guard."""

    def __init__(self, router: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._router, self._allowed_hosts = router, {host_of(name) for name in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._choose(scope)(scope, receive, send)

    def _choose(self, scope: Scope) -> ASGIApp:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if (barred := guard(scope["method"], headers, self._allowed_hosts)) is not None:
            return _problem(barred)
        allowed = _allowed(scope["path"].removeprefix(PREFIX))
        return (
            _wrong_method(scope["method"], allowed)
            if allowed and scope["method"] not in allowed
            else self._router
        )


def _allowed(path: str) -> list[str]:
    """Return the methods of a known path."""
    known = [(method, route) for method, route, _ in ROUTES if _fits(path, route)]
    methods = {method for method, _ in known}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _fits(path: str, route: str) -> bool:
    ours, theirs = route.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(
        part == other or part.startswith("{") for part, other in zip(ours, theirs, strict=True)
    )


def _wrong_method(method: str, allowed: list[str]) -> ASGIApp:
    allow = ", ".join(allowed)
    return _control_problem(
        405, "This control route takes another method", f"it takes {allow}, not {method}", Allow=allow
    )


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    routes = ", ".join(f"{method} {PREFIX}{path}" for method, path, _ in ROUTES)
    detail = f"{scope['method']} {scope['path']} is not a control route; there are {routes}"
    await _control_problem(404, "No control route has this path", detail)(scope, receive, send)


def _problem(barred: Barred) -> ASGIApp:
    document = {
        "type": f"urn:mockserver:{barred.kind}",
        "title": "The control plane is guarded",
        "status": barred.status,
        "detail": barred.detail,
    }
    return answer_json(document, barred.status, "application/problem+json")


def _control_problem(status: int, title: str, detail: str, **headers: str) -> Response:
    document = {"type": "urn:mockserver:control", "title": title, "status": status, "detail": detail}
    return answer_json(document, status, "application/problem+json", **headers)
