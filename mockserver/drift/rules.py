"""Which differences break callers: one table of keywords, and what each change of them means in each direction.

A request is written by the caller: it breaks where the vendor now takes less than before. A response is read by the
caller: it breaks where more may come than before, or where something is gone. So a cell of the table is the set of
directions in which a change breaks:

           a caller breaks   because
    LESS   in requests       what is sent today may be refused tomorrow
    MORE   in responses      what comes tomorrow was never seen before
    BOTH   in both           old and new values need not have anything in common, or nobody knows
    NONE   in neither        it is told all the same
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT

Directions = frozenset[str]

REQUEST: Final = "request"
RESPONSE: Final = "response"
NONE: Final[Directions] = frozenset()
LESS: Final[Directions] = frozenset({REQUEST})
MORE: Final[Directions] = frozenset({RESPONSE})
BOTH: Final = LESS | MORE


class Row(NamedTuple):
    """In which directions callers break, by what became of a keyword; ``more`` and ``less`` are of sets and numbers."""

    added: Directions = NONE
    removed: Directions = NONE
    more: Directions = NONE
    less: Directions = NONE
    other: Directions = NONE


_LOWER: Final = Row(added=LESS, removed=MORE, more=LESS, less=MORE)
_UPPER: Final = Row(added=LESS, removed=MORE, more=MORE, less=LESS)
_FIXED: Final = Row(added=LESS, removed=MORE, other=BOTH)
_WIRE: Final = Row(added=LESS, removed=LESS, other=LESS)
_TOLD: Final = Row()
_UNKNOWN: Final = Row(added=BOTH, removed=BOTH, other=BOTH)

RULES: Final[Mapping[str, Row]] = {
    # the calls
    "operation": Row(removed=BOTH),
    "server": Row(less=LESS),
    "security": Row(less=LESS),  # each alternative: one that is gone refuses those who use it
    "security scheme": _WIRE,
    "deprecated": _TOLD,
    "parameter": _TOLD,
    "required parameter": Row(added=LESS),
    "request body": Row(removed=LESS),
    "required request body": Row(added=LESS, removed=LESS),
    "is required": Row(added=LESS, removed=MORE),  # of a parameter, a request body, or a header of a response
    "style": _WIRE,
    "explode": _WIRE,
    "allowReserved": _TOLD,
    "allowEmptyValue": Row(removed=LESS),
    "status": Row(removed=MORE),
    "header": Row(removed=MORE),
    "media type": Row(removed=BOTH),
    "encoding": _UNKNOWN,
    # schemas
    "schema": Row(added=LESS, removed=MORE),  # where there was none, everything was allowed
    "false": Row(added=LESS, removed=MORE),
    "type": _UPPER,
    "enum": _UPPER,
    "required": _LOWER,
    "property": Row(removed=MORE),
    "property of a closed object": Row(removed=BOTH),
    "patternProperties": _FIXED,
    "additionalProperties": _FIXED,
    "unevaluatedProperties": _FIXED,
    "unevaluatedItems": _FIXED,
    "propertyNames": _FIXED,
    "dependentRequired": _FIXED,
    "dependentSchemas": _FIXED,
    "items": _FIXED,
    "prefixItems": _FIXED,
    "contains": _FIXED,
    "minContains": _LOWER,
    "maxContains": _UPPER,
    "minimum": _LOWER,
    "maximum": _UPPER,
    "minLength": _LOWER,
    "maxLength": _UPPER,
    "minItems": _LOWER,
    "maxItems": _UPPER,
    "minProperties": _LOWER,
    "maxProperties": _UPPER,
    "multipleOf": _FIXED,
    "uniqueItems": _FIXED,
    "pattern": _FIXED,
    "format": _FIXED,
    "contentEncoding": _FIXED,
    "contentMediaType": _FIXED,
    "contentSchema": _FIXED,
    "branch": Row(added=MORE, removed=LESS),  # of oneOf or anyOf
    "oneOf": Row(added=LESS, removed=MORE, other=MORE),  # other: it became anyOf
    "anyOf": Row(added=LESS, removed=MORE, other=LESS),  # other: it became oneOf
    "allOf": _FIXED,
    "not": _FIXED,
    "if": _UNKNOWN,
    "then": _FIXED,
    "else": _FIXED,
    "discriminator": _UNKNOWN,
    "readOnly": Row(added=LESS),
    "writeOnly": Row(added=MORE),
    "default": _TOLD,
    # a page in prose: that it has changed is all that can be known
    "page": _TOLD,
}


class Limit(NamedTuple):
    """A lower or upper limit of numbers, as it is compared: what excludes its number is the stricter one."""

    number: float
    strictness: int
    """Of a lower limit 1 where it excludes its number, of an upper one -1, else 0."""


def breaks(keyword: str, before: JSON, after: JSON) -> Directions:
    """Return in which directions a change of a keyword breaks callers; ABSENT stands for what is not there."""
    row = RULES.get(keyword, _UNKNOWN)
    if before is ABSENT:
        return row.added
    if after is ABSENT:
        return row.removed
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        return (row.more if after - before else NONE) | (row.less if before - after else NONE)
    if _is_number(before) and _is_number(after) and row.other == NONE:
        return row.more if after > before else row.less
    return row.other


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float | Limit) and not isinstance(value, bool)
