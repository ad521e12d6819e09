"""A local mock server that stands in for notification trigger APIs."""

from typing import Any

__version__ = "0.1.0"
_FROM_CLIENT = ("Call", "ControlError", "DroppedCallsError", "MockServer")


def __getattr__(name: str) -> Any:
    """Import the handle when it is first asked for: who only needs the version, or the plugin, pays nothing for it."""
    if name in _FROM_CLIENT:
        from mockserver import client  # noqa: PLC0415

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what there is, also what is imported only when it is asked for."""
    return [*globals(), *_FROM_CLIENT]
