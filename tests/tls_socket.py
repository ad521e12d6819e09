"""TLS over a socket, with nothing hidden of how the connection ends.

Python's own `ssl.SSLSocket` tells a reset as the end of the data, in versions before 3.13, and so does it with an end
that TLS did not announce.
"""

import socket
import ssl
from types import TracebackType
from typing import Any


class TlsSocket:
    """The client's side of a connection; what is no data goes to the plain socket below."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self.plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while not self._shakes_hands():
            self._receive()

    def _shakes_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()
        return True

    def _flush(self) -> None:
        self.plain.sendall(self._outgoing.read())

    def _receive(self) -> None:
        data = self.plain.recv(65536)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def sendall(self, data: bytes) -> None:
        """Send data."""
        self._tls.write(data)
        self._flush()

    def recv(self, size: int) -> bytes:
        """Return some data, nothing after an end that TLS has announced. Raises what another end is."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._receive()
            except ssl.SSLZeroReturnError:
                return b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def __enter__(self) -> "TlsSocket":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.plain.close()
