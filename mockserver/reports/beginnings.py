"""Secrets of which only the beginning is left: what findings and names tell of a long text is cut.

A text that was cut ends in an ellipsis, wherever it stands in another, or simply ends.
"""

import re
from typing import Final

_CUT: Final = re.compile("…|\\\\u2026|" + "…".encode().decode("latin-1"))
"""The ellipsis as it is, in JSON, and in bytes that are read as Latin-1."""

_SHORTEST: Final = 8  # characters; fewer tell nothing, and may stand there by chance


def without_beginning(text: str, secret: str, instead: str) -> str:
    """Return a text that has something instead of each beginning of a secret after which it was cut."""
    beginning = secret[:_SHORTEST]
    if beginning not in text or len(secret) <= _SHORTEST:
        return text
    done, parts = 0, []
    for end in [*(match.start() for match in _CUT.finditer(text)), len(text)]:
        start = text.find(beginning, max(done, end - len(secret)), end)
        while start >= 0 and not secret.startswith(text[start:end]):
            start = text.find(beginning, start + 1, end)
        if start >= 0:
            parts += [text[done:start], instead]
            done = end
    return "".join([*parts, text[done:]])
