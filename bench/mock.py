"""The mock server as ``mockserver serve --log off`` runs it, with its CPU time told: ``python -m bench.mock``."""

import random
import time

from starlette.types import ASGIApp

from bench.echo import counted
from mockserver.engine.world import Blueprint, Clock, World
from mockserver.loading import load_bundled
from mockserver.server.app import Stage
from mockserver.server.assembly import build_app
from mockserver.server.running import bind, serve, url_of


def stage() -> Stage:
    """Return a fresh stage with all APIs."""
    world = World(Blueprint(load_bundled()), Clock(time.time), random.Random(1).getrandbits)
    return Stage(world)


def main() -> None:
    """Serve on a free port."""
    app: ASGIApp = counted(build_app(stage()))
    sockets = bind("127.0.0.1", 0)
    serve(app, sockets, lambda: print(f"ready on {url_of(sockets)}", flush=True))


if __name__ == "__main__":
    main()
