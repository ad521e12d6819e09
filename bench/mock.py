"""The mock server as ``mockserver serve --log off`` runs it, and its CPU time: ``python -m bench.mock [KEEP]``."""

import random
import sys
import time

from starlette.types import ASGIApp

from bench.echo import counted
from mockserver.engine.clock import Clock
from mockserver.engine.journal import MOST_CALLS
from mockserver.engine.world import Blueprint, Settings, World
from mockserver.loading import load_bundled
from mockserver.server.assembly import build_app
from mockserver.server.running import bind, serve, url_of
from mockserver.stage import Stage


def stage(keep: int = MOST_CALLS) -> Stage:
    """Return a fresh stage with all APIs, whose journal keeps so many calls."""
    blueprint = Blueprint(load_bundled(), Settings(most_calls=keep))
    return Stage(World(blueprint, Clock(time.time), random.Random(1).getrandbits))


def main() -> None:
    """Serve on a free port."""
    app: ASGIApp = counted(build_app(stage(*map(int, sys.argv[1:]))))
    sockets = bind("127.0.0.1", 0)
    serve(app, sockets, lambda: print(f"ready on {url_of(sockets)}", flush=True))


if __name__ == "__main__":
    main()
