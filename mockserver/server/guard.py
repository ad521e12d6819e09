"""Who may use the control plane: any program on this machine, and no page of another origin.

The control plane shows traffic and can change answers, and any page in the user's browser can send requests
to loopback. The checks, in this order; programs that are no browsers send none of these headers but Host:

    Host            must name this machine (against DNS rebinding)         else 400
    Sec-Fetch-Site  of a write: absent, same-origin or none                else 403
    Origin          of a write: absent, or the host and port of Host       else 403
    Content-Type    of a browser's write with a body: application/json     else 415
"""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Barred:
    """A request that the guard refuses: a status, the problem's type, and a sentence."""

    status: int
    kind: str
    detail: str


def guard(method: str, headers: Mapping[str, str], allowed_hosts: Collection[str]) -> Barred | None:
    """Refuse a request to the control plane, or let it through (None). ``headers`` have lower-case names."""
    if method == "OPTIONS" and "access-control-request-method" in headers:
        return Barred(403, "cross-origin", "the control plane answers its own origin only")
    if not is_here(headers.get("host", ""), allowed_hosts):
        told = f"the Host {headers.get('host', '')!r} is not this machine; name it with --allow-host if it should be"
        return Barred(400, "bad-host", told)
    if method in {"GET", "HEAD"}:
        return None
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return Barred(403, "cross-origin", "a page of another origin may not change the mock server")
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] != headers["host"].lower():
        return Barred(403, "cross-origin", f"a page of {origin} may not change the mock server")
    return _barred_type(headers)


def _barred_type(headers: Mapping[str, str]) -> Barred | None:
    from_browser = "origin" in headers or any(name.startswith("sec-fetch-") for name in headers)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if from_browser and has_body and kind != "application/json":
        return Barred(415, "cross-origin", "a browser must send the control plane application/json")
    return None


def host_of(value: str) -> str:
    """Return the host of a Host header: without port, brackets, case and final dot."""
    host = value.strip().lower()
    host = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return host.removesuffix(".")


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
