"""What ``GET /`` shows: a person a page, a program the list of APIs."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mockserver import __version__
from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON
from mockserver.engine.values import encode
from mockserver.overview import routes_of
from mockserver.stage import Stage


def describe(api: Api) -> dict[str, JSON]:
    """Return one API as a program reads it: its name, title and routes."""
    return {"name": api.name, "title": api.title, "profile": api.profile, "routes": routes_of(api)}


def landing(stage: Stage, request: Request) -> Response:
    """Answer ``GET /`` in the form that the client prefers."""
    apis = stage.world.blueprint.apis
    if "text/html" not in request.headers.get("accept", ""):
        listed = {
            "name": "mockserver",
            "version": __version__,
            "control": "/__admin",
            "apis": [describe(api) for api in apis],
        }
        return Response(encode(listed), media_type="application/json", headers={"Vary": "Accept"})
    return HTMLResponse(_page(apis), headers={"Vary": "Accept"})


def _page(apis: tuple[Api, ...]) -> str:
    rows = "".join(
        f"<tr><td>{escape(api.title)}</td><td><code>{route.method} {escape(route.path)}</code></td></tr>"
        for api in apis
        for route in api.routes
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>mockserver</title>"
        "<h1>mockserver</h1><p>This server stands in for these APIs. What was sent and answered is at "
        '<a href="/__admin/requests">/__admin/requests</a>.</p>'
        f"<table><thead><tr><th>API<th>Route</thead><tbody>{rows}</tbody></table></html>"
    )
