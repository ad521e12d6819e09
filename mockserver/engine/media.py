"""Media types: which are JSON, and how a body is written in one."""

from mockserver.engine.exchange import JSON
from mockserver.engine.values import encode


def is_json(media_type: str) -> bool:
    """Tell whether a media type, in lower case and without parameters, is JSON."""
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def body_bytes(value: JSON, media_type: str) -> bytes:
    """Return the bytes of a body: JSON, or the text itself where the media type is another."""
    return (
        value.encode("utf-8", "replace")
        if isinstance(value, str) and not is_json(media_type)
        else encode(value)
    )


def content_type(media_type: str) -> str:
    """Return the header's value for a media type: text says that it is UTF-8, JSON always is."""
    return media_type if is_json(media_type) or "charset" in media_type else f"{media_type}; charset=utf-8"
