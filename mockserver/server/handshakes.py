"""What a TLS handshake says when it fails: one line for each reason, and an answer to who spoke no TLS.

That a client does not trust the certificate is what everybody meets first, and many SDKs hide it behind a "connection
error". The event loops say nothing of it. So each handshake runs in an `ssl.SSLObject` of ours, which sees why one
fails. Most clients say it, by an alert:

    unknown CA, certificate unknown    who signed the certificate is not trusted
    bad certificate                    it is for other names, or not trusted
    nothing                            Node, which makes up its mind after the handshake's last message, and leaves

The last cannot be seen, only that the handshake goes on no more.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

from mockserver.tls import said

Tell = Callable[[str], None]
PATIENCE: Final = 2.0
"""Seconds after which a handshake that was begun is taken for given up."""

_TRUST: Final = (
    "give it the file of who signed it (a self-signed certificate itself) in SSL_CERT_FILE, REQUESTS_CA_BUNDLE "
    "(Python's requests), NODE_EXTRA_CA_CERTS (Node) or curl's --cacert"
)
_UNTRUSTED: Final = f"a client does not trust the certificate; {_TRUST}"
_SPEAKS_TLS: Final = "this port speaks TLS"
_TOLD: Final = {
    "TLSV1_ALERT_UNKNOWN_CA": _UNTRUSTED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _UNTRUSTED,
    "SSLV3_ALERT_BAD_CERTIFICATE": (
        f"a client refuses the certificate, which is for other names than it called, or is not trusted; then {_TRUST}"
    ),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "a client refuses the certificate, which has expired; make a new one",
    "HTTP_REQUEST": f"a client spoke HTTP without TLS, and {_SPEAKS_TLS}; call https://",
    "HTTPS_PROXY_REQUEST": (
        f"a client took this server for a proxy, and {_SPEAKS_TLS}; HTTPS_PROXY is not the way to redirect an SDK"
    ),
    "UNSUPPORTED_PROTOCOL": "a client speaks no TLS as new as 1.2, which is the oldest that is offered",
}
GIVEN_UP: Final = (
    "a client gave up a TLS handshake without saying why, as Node does where it does not trust the certificate: "
    "then give it the file of who signed it (a self-signed certificate itself) in NODE_EXTRA_CA_CERTS"
)
_ANSWERED: Final = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})
_BODY: Final = (
    b'{"type":"urn:mockserver:tls","title":"This port speaks TLS","status":400,'
    b'"detail":"this port speaks TLS; call https:// instead of http://"}'
)
ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
"""What a client gets that speaks HTTP without TLS."""


class Context(ssl.SSLContext):
    """The context of a server, which tells why handshakes fail, each reason once."""

    def __new__(cls, _: Tell) -> "Context":
        """Return a context for servers."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, tell: Tell) -> None:
        self._tell, self._told = tell, set[str]()

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *given: Any, **named: Any
    ) -> "Handshake":
        """Return the TLS of a new connection, which is read from one buffer, and written to the other."""
        made = cast("Handshake", super().wrap_bio(incoming, outgoing, *given, **named))
        made.outgoing, made.tell = outgoing, self.tell
        return made

    def tell(self, reason: str, sentence: str) -> None:
        """Tell a sentence, unless it was told for the same reason before."""
        if reason not in self._told:
            self._told.add(reason)
            self._tell(f"mockserver: {sentence}")


class Handshake(ssl.SSLObject):
    """The TLS of one connection; ``turns`` counts how often its handshake has been carried on."""

    outgoing: ssl.MemoryBIO
    tell: Callable[[str, str], None]
    turns = 0
    is_done = False

    def do_handshake(self) -> None:
        """Carry the handshake on. Raises what `ssl.SSLObject` raises."""
        self.turns += 1
        try:
            super().do_handshake()
        except ssl.SSLWantReadError:
            if self.turns == 2:  # the first is before the client has said anything
                asyncio.get_running_loop().call_later(PATIENCE, self._look)
            raise
        except ssl.SSLError as error:
            if self.is_done:
                raise
            self.is_done = True
            reason = error.reason or str(error)
            self.tell(reason, _TOLD.get(reason, f"a TLS handshake has failed: {said(reason)}"))
            if reason not in _ANSWERED:
                raise
            self.outgoing.write(ANSWER)
            raise ssl.SSLWantReadError from None  # only so does the event loop send what is to be written
        self.is_done = True

    def _look(self) -> None:
        if not self.is_done:
            self.tell("", GIVEN_UP)


Context.sslobject_class = Handshake
