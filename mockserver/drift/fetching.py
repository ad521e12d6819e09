"""What a vendor publishes, from a file or over HTTP."""

import http.client
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from mockserver import __version__
from mockserver.engine.faults import SpecError
from mockserver.loading import read_text

PATIENCE: Final = 30.0
"""Seconds after which a page that is still not there is given up."""
LARGEST: Final = 20 * 1024 * 1024
_ACCEPT: Final = "application/yaml, application/json, text/markdown, text/plain;q=0.9, */*;q=0.5"


def read_published(source: str) -> str:
    """Return the text of a file, or of what an address of http or https gives. Raises `SpecError`."""
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]+)://", source)
    if scheme is None:
        return read_text(Path(source))
    if scheme[1].lower() not in {"http", "https"}:
        told = f"addresses of {scheme[1]} are not read; give one of http or https, or a file"
        raise SpecError([(source, "", told)])
    try:
        return _fetched(source)
    except urllib.error.HTTPError as error:
        error.close()  # it is an answer, whose connection would stay open
        told = f"the server answered {error.code} {error.reason}".strip().replace("\n", " ")
        raise SpecError([(source, "", f"cannot be read: {told}")]) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SpecError([(source, "", f"cannot be read: {_reason(error)}")]) from None


def _fetched(url: str) -> str:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    headers = {"User-Agent": f"trigger-mockserver/{__version__}", "Accept": _ACCEPT}
    end = time.monotonic() + PATIENCE
    with opener.open(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as response:  # noqa: S310 - checked
        body = bytearray()
        while chunk := response.read1(65536):
            body += chunk
            if len(body) > LARGEST:
                raise ValueError(f"it is larger than {LARGEST // 1024**2} MiB")
            if time.monotonic() > end:
                raise TimeoutError
        if response.length:
            raise ValueError(f"the answer ended {response.length} bytes too early")
    return body.decode("utf-8")


def _reason(error: Exception) -> str:
    """Return why an address could not be read."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no whole answer came within {PATIENCE:g} seconds"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text ({error})"
    return str(getattr(reason, "strerror", None) or reason) or type(reason).__name__
