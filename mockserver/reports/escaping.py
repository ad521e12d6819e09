"""Text as CI systems take it: in XML, and in workflow commands of GitHub Actions."""

import re
from typing import Final

MOST_ANNOTATIONS: Final = 10
"""How many annotations GitHub shows of one step."""

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow, not even escaped."""


def clean(text: str) -> str:
    """Return text without the characters that XML does not allow."""
    return _FORBIDDEN.sub("\ufffd", text)


def message(text: str) -> str:
    """Return text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def parameter(text: str) -> str:
    """Return text as the value of a parameter of a workflow command."""
    return message(text).replace(":", "%3A").replace(",", "%2C")
