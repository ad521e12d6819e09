"""Who may use the control plane: any program on this machine, and no page of another origin.

The control plane shows traffic and can change answers, and any page in the user's browser can send requests
to loopback. The checks, in this order; programs that are no browsers send none of these headers but Host:

    Host            must name this machine (against DNS rebinding)         else 400
    Authorization   the token, where one is asked for, but for /health     else 401
    Sec-Fetch-Site  of a write: absent, same-origin or none                else 403
    Origin          of a write: absent, or the host and port of Host       else 403
    Content-Type    of a browser's write with a body: application/json     else 415
"""

import hmac
import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

OPEN: Final = frozenset({"/health"})
"""Paths that ask for no token: what a container's health check and the tools that wait for a server poll."""
HOLDING: Final = frozenset({"/stream"})
"""Paths whose reads hold a connection, and are barred as writes are."""


@dataclass(frozen=True, slots=True)
class Barred:
    """A request that the guard refuses: a status, the problem's type, and a sentence."""

    status: int
    kind: str
    detail: str


def guard(
    method: str,
    path: str,
    headers: Mapping[str, str],
    allowed_hosts: Collection[str],
    token: str | None = None,
) -> Barred | None:
    """Refuse a request to the control plane, or let it through (None).

    ``path`` is that below the control plane, ``headers`` have lower-case names, ``token`` is what callers have to
    send, None where none is asked for.
    """
    if method == "OPTIONS" and "access-control-request-method" in headers:
        return Barred(403, "cross-origin", "the control plane answers its own origin only")
    if not is_here(headers.get("host", ""), allowed_hosts):
        told = f"the Host {headers.get('host', '')!r} is not this machine; name it with --allow-host if it should be"
        return Barred(400, "bad-host", told)
    if path not in OPEN and token is not None and not _has_token(headers, token):
        return Barred(401, "token", "send the token of --admin-token, as in Authorization: Bearer <token>")
    if method in {"GET", "HEAD"} and path not in HOLDING:
        return None
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return Barred(403, "cross-origin", "a page of another origin may not change the mock server")
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] != headers["host"].lower():
        return Barred(403, "cross-origin", f"a page of {origin} may not change the mock server")
    return _barred_type(headers)


def _has_token(headers: Mapping[str, str], token: str) -> bool:
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    is_it = hmac.compare_digest(sent.strip().encode("utf-8", "replace"), token.encode("utf-8", "replace"))
    return scheme.lower() == "bearer" and is_it


def _barred_type(headers: Mapping[str, str]) -> Barred | None:
    from_browser = "origin" in headers or any(name.startswith("sec-fetch-") for name in headers)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if from_browser and has_body and kind != "application/json":
        return Barred(415, "cross-origin", "a browser must send the control plane application/json")
    return None


_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:@/\[\],]*))(?::[0-9]*)?")


def host_of(value: str) -> str:
    """Return the host of a Host header, without port, brackets, case and final dot; empty where it is none."""
    match = _HOST.fullmatch(value.strip().lower())
    return "" if match is None else (match[1] or match[2]).removesuffix(".")


def is_here(value: str, allowed_hosts: Collection[str]) -> bool:
    """Tell whether a Host names this machine: its loopback, or a name that is allowed."""
    host = host_of(value)
    if not host:
        return False
    if host == "localhost" or host.endswith(".localhost") or host in allowed_hosts:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
