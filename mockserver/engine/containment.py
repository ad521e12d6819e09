"""Does one schema take everything that another takes? Where that is proven at load, one look per call saves two.

The proof is jsonschema-rs's, which is experimental there: whatever it cannot show, or no longer offers, counts
as not proven, and both schemas are asked. ``oneOf`` of the narrower one is read as ``anyOf``, which takes more:
what holds for that holds for it, and the library can show it.
"""

from typing import Any, Final

import jsonschema_rs

from mockserver.engine.exchange import JSON
from mockserver.engine.values import write_json

_AS_IT_IS: Final = frozenset(
    {
        "not",
        "if",
        "contains",
        "const",
        "enum",
        "dependentRequired",
        "default",
        "example",
        "examples",
        "x-mock",
    }
)
"""Below these, to take more may mean to refuse more; or there is no schema."""

_UNSURE: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
"""What these refuse depends on which branches have taken something."""


def covers(wide: JSON, narrow: JSON) -> bool:
    """Tell whether it is proven that a schema takes every value that another takes. None is no schema at all."""
    if wide is None or write_json(wide) == write_json(narrow):  # as text: 1 and true differ
        return True
    if narrow is None:
        return False
    try:
        asked, given = (jsonschema_rs.dereference(schema) for schema in (wide, narrow))
        return bool(_canonical(asked).covers(_canonical(_loosened(given))).value == "yes")
    except Exception:  # noqa: BLE001 - an experiment of the library: without a proof all goes on, a little slower
        return False


def _canonical(schema: JSON) -> Any:
    return jsonschema_rs.canonicalize(schema, validate_formats=True)


def _loosened(schema: JSON) -> JSON:
    """Return a schema that takes all that this one takes, and has no ``oneOf``. Raises ValueError where unsure."""
    if isinstance(schema, list):
        return [_loosened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if not _UNSURE.isdisjoint(schema):
        raise ValueError("a keyword that looks at what branches have taken")
    return {_name(name, value): _member(name, value) for name, value in schema.items()}


def _name(name: str, value: JSON) -> str:
    return "anyOf" if name == "oneOf" and isinstance(value, list) else name  # it may be a property's name


def _member(name: str, value: JSON) -> JSON:
    return value if name in _AS_IT_IS else _loosened(value)
