"""uvicorn's HTTP protocol on httptools, for clients that offer to upgrade.

Some clients offer HTTP/2 with every first request (``Connection: Upgrade``). The parser behind httptools takes
an offered upgrade for granted: it stops at the end of the head, and the body is lost or read as another
request. A server that does not want to upgrade is to read on (RFC 9110, section 7.8). So the header is spelled
otherwise before the parser sees it, and back again after.
"""

import re
from typing import Any, Final

_OFFER: Final = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_SPELLED: Final = b"x-upgrade-offered"
_HEAD_END: Final = b"\r\n\r\n"


def http_protocol() -> Any:
    """Return the protocol class for ``uvicorn.Config(http=…)``: ours on httptools, else uvicorn's choice."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415 - may not be installed
    except ImportError:
        return "auto"

    class WithoutUpgrade(HttpToolsProtocol):
        """Reads requests that offer an upgrade as if they did not."""

        _in_body = False

        def data_received(self, data: bytes) -> None:
            if not self._in_body and _OFFER.search(data):
                head, end, rest = data.partition(_HEAD_END)
                data = _OFFER.sub(b"\r\n" + _SPELLED + b":", head) + end + rest
            super().data_received(data)

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(b"upgrade" if name == _SPELLED else name, value)

        def on_headers_complete(self) -> None:
            self._in_body = True
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._in_body = False
            super().on_message_complete()

    return WithoutUpgrade
