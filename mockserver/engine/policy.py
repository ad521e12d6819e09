"""What the user of the server has set for one API: keys, catalogue, limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mockserver.engine.contract import RateLimit
from mockserver.engine.validation import Schema

FORBIDDEN: Final = "forbidden"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A known workflow or event: the schema of its payload, and the status that its answer carries."""

    payload: Schema | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue of one API; ``refuses_unknown`` names that are not in it."""

    entries: Mapping[str, CatalogueEntry] = field(default_factory=dict)
    refuses_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user of the server has set for one API.

    ``keys`` maps a credential to ``allowed`` or ``forbidden``; with one that is allowed, others are refused.
    ``secrets`` maps one to the secret that its requests have to be signed with.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    catalogue: Catalogue = field(default_factory=Catalogue)
    limits: Mapping[str, RateLimit] = field(default_factory=dict)
    admits_invalid: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_strict(self) -> bool:
        """Whether only the listed credentials are taken."""
        return any(verdict != FORBIDDEN for verdict in self.keys.values())
