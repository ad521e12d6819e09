"""The control plane under ``/__admin``: what was sent, what comes next, and what time it is, over HTTP."""

from typing import Final

PREFIX: Final = "/__admin"
