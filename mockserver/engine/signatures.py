"""Is a request signed with the secret that belongs to its key?

A security scheme says how its API signs: which parts of the request, as templates, joined by what, under which keyed
hash, written in which encoding.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Final

from mockserver.engine.contract import Signature
from mockserver.engine.expressions import Facts
from mockserver.engine.values import as_text, cut, write_json

ALGORITHMS: Final = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512"}
"""The keyed hashes that a spec may name, and the hash of each."""

ENCODINGS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "base64": lambda digest: base64.b64encode(digest).decode("ascii"),
    "base64url": lambda digest: base64.urlsafe_b64encode(digest).decode("ascii").rstrip("="),
    "hex": bytes.hex,
}
"""How a signature may be written."""


def signed_parts(signature: Signature, facts: Facts) -> list[str]:
    """Return the parts of a request that are signed."""
    return [as_text(part(facts)) for part in signature.parts]


def signature_of(signature: Signature, facts: Facts, secret: str) -> str:
    """Return the signature that a request should have."""
    text = signature.separator.join(signed_parts(signature, facts))
    key, message = _encoded(secret), _encoded(text)
    return signature.prefix + ENCODINGS[signature.encoding](
        hmac.digest(key, message, ALGORITHMS[signature.algorithm])
    )


def is_signed(signature: Signature, facts: Facts, sent: str, secret: str) -> bool:
    """Tell whether what was sent is the signature of a request."""
    expected = signature_of(signature, facts, secret)
    if signature.encoding == "hex":  # whose digits are the same in either case
        sent, expected = sent.lower(), expected.lower()
    return hmac.compare_digest(_encoded(sent), _encoded(expected))


def _encoded(text: str) -> bytes:
    """Return the bytes that a text came from; one of JSON may hold half a surrogate pair."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def how_to_sign(signature: Signature, facts: Facts) -> str:
    """Say what should have been signed, as the mock has seen it."""
    parts = ", ".join(write_json(cut(part)) for part in signed_parts(signature, facts))
    how = f"{signature.algorithm}, in {signature.encoding}"
    return (
        f"Sign with the secret of this key, by {how}, these parts joined by {signature.separator!r}: {parts}."
    )
