"""The validator that says yes or no: jsonschema-rs with our formats, and with an answer to every JSON value.

Alone it raises on a lone surrogate in a text that it must look into, which JSON may well hold: such a value is
judged with each surrogate replaced by a character of its own, so that lengths and differences stay what they are.
"""

import json
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from mockserver.engine.exchange import JSON
from mockserver.engine.formats import FORMATS


class Judge:
    """One JSON Schema, compiled. Raises ValueError when it is not one."""

    __slots__ = ("_errors", "_is_valid")

    def __init__(self, schema: JSON) -> None:
        validator = jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, formats=dict(FORMATS), retriever=_retrieve_nothing
        )
        self._is_valid, self._errors = validator.is_valid, validator.iter_errors

    def accepts(self, value: JSON) -> bool:
        """Say yes or no; yes to what is nested deeper than the judge compares."""
        try:
            return self._is_valid(value)
        except UnicodeEncodeError:
            return self.accepts(without_surrogates(value))
        except ValueError:
            return True

    def errors(self, value: JSON) -> list[Any]:
        """Return what it says itself about its "no"; nothing where it cannot tell."""
        try:
            return list(self._errors(value))
        except UnicodeEncodeError:
            return self.errors(without_surrogates(value))
        except ValueError:
            return []


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Judge:
    return Judge({"pattern": pattern})


def matches_pattern(pattern: str, text: str) -> bool:
    """Ask the judge: Python's regular expressions differ from those of JSON Schema, and may take for ever."""
    return _pattern(pattern).accepts(text)


def _retrieve_nothing(uri: str) -> JSON:
    raise ValueError(f"the reference {uri!r} leads out of the schema; only references within it are followed")


def without_surrogates(value: JSON) -> JSON:
    """Return a copy in which each lone surrogate is replaced by a character for private use."""
    return json.loads(json.dumps(value, ensure_ascii=False).translate(_REPLACEMENTS))


_REPLACEMENTS: Final = {code: code + 0x10F800 - 0xD800 for code in range(0xD800, 0xE000)}
