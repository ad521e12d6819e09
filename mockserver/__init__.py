"""A local mock server that stands in for notification trigger APIs."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the handle when it is first asked for: who only needs the version, or the plugin, pays nothing for it."""
    if name == "MockServer":
        from mockserver.client import MockServer  # noqa: PLC0415

        return MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
