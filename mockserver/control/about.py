"""What the server is: health, version, the APIs with their documents, and what WireMock's clients ask besides."""

import time
from functools import lru_cache
from typing import Final

from starlette.responses import Response

from mockserver import __version__
from mockserver.control.replies import Asked, RefusedError, problem, reply, text
from mockserver.engine.compiler import compile_api
from mockserver.engine.deviations import PROFILES
from mockserver.engine.effective import effective_document
from mockserver.engine.exchange import JSON
from mockserver.engine.routing import mounted
from mockserver.engine.values import iso_time
from mockserver.engine.world import Blueprint
from mockserver.loading import control_document
from mockserver.overview import api_overview
from mockserver.yamltext import write_yaml


def list_apis(asked: Asked) -> Response:
    """Return what is served, how SDKs are pointed here, what is emulated and what is not."""
    url, terms = str(asked.request.base_url).rstrip("/"), asked.world.terms
    shown = [api_overview(api, terms.policies[api.name].limits, url) for api in asked.stage.blueprint.apis]
    return reply({"apis": shown})


def openapi_yaml(asked: Asked) -> Response:
    """Return the document of an API as it is served; ``profile`` asks for the other one."""
    return text(write_yaml(_document(asked)), "application/yaml")


def openapi_json(asked: Asked) -> Response:
    """Return the same as JSON."""
    return reply(_document(asked))


def _document(asked: Asked) -> JSON:
    api, blueprint = asked.api(), asked.stage.blueprint
    profile = asked.query("profile") or api.profile
    if profile == api.profile:
        return effective_document(api, blueprint)
    if profile not in PROFILES:
        told = f"{profile!r} is not a profile; there are {', '.join(PROFILES)}"
        raise RefusedError(problem(400, "No such profile", told))
    other = mounted(compile_api(api.name, api.source, profile), api.routes[0].prefix)
    return effective_document(other, Blueprint([other]))


@lru_cache(maxsize=1)
def _own_document() -> str:
    return write_yaml(control_document())


def own_openapi_yaml(_: Asked) -> Response:
    """Return the document of the control plane itself."""
    return text(_own_document(), "application/yaml")


def own_openapi_json(_: Asked) -> Response:
    """Return the same as JSON."""
    return reply(control_document())


def health(asked: Asked) -> Response:
    """Say that the server is there, and what it has forgotten."""
    stage, world = asked.stage, asked.world
    served = ", ".join(api.name for api in stage.blueprint.apis)
    counts = f"{len(world.journal)} calls recorded, {world.journal.dropped} dropped"
    keys = f"{len(world.keys)} keys remembered, {world.keys.forgotten} forgotten early"
    return reply(
        {
            "status": "healthy",
            "message": f"serving {served}; {counts}; {keys}; {stage.preflights} preflights answered",
            "version": __version__,
            "uptimeInSeconds": int(time.monotonic() - stage.started),
            "timestamp": iso_time(time.time()),
        }
    )


def version(_: Asked) -> Response:
    """Return the version of this program."""
    return reply({"version": __version__})


def list_files(_: Asked) -> Response:
    """Return no files: bodies stand in the rules themselves."""
    return reply([])


def recording_status(_: Asked) -> Response:
    """Say that nothing is recorded."""
    return reply({"status": "NeverStarted"})


_NO_RECORDING: Final = "recording is not offered: this server stands in for services, and never calls one"


def refuse_recording(_: Asked) -> Response:
    """Refuse to record."""
    return reply({"errors": [{"code": 10, "title": _NO_RECORDING}]}, 422)


def shutdown(asked: Asked) -> Response:
    """Stop a server that was started from the command line; one inside a test process stays."""
    if asked.stage.stop is not None:
        asked.stage.stop()
    return reply({})
