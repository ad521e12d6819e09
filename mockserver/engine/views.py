"""The views of one document that compiling needs: as served, as observed, as published, and between them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mockserver.engine import deviations as profiles
from mockserver.engine.contract import Deviation
from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError

Structure = Callable[[JSON], list[tuple[str, str]]]
"""From a document to what is wrong with its OpenAPI parts: pointers and sentences."""


@dataclass(frozen=True, slots=True)
class Views:
    """The document under each profile, with single deviations undone, and with single ones alone."""

    served: Document
    observed: Document
    published: Document
    undone: Mapping[str, Document]
    alone: Mapping[str, Document]
    active: frozenset[str]


def check_structure(views: Views, structure: Structure) -> None:
    """Refuse a document that deviations have broken: what compiles it counts on its structure."""
    for view in (views.observed, views.published):
        if problems := structure(view.root):
            told = "after deviations are applied, "
            raise SpecError((view.file, pointer, told + sentence) for pointer, sentence in problems)


def views_of(
    name: str, document: JSON, listed: Mapping[str, Deviation], profile: str, *, partial: bool
) -> Views:
    """Return the views of a document under a profile. Raises `SpecError` where a deviation leads nowhere."""
    problems: list[tuple[str, str, str]] = []

    def view(ids: Iterable[str]) -> Document:
        try:
            return Document(name, profiles.apply(document, listed, ids), problems, partial)
        except LookupError as error:
            raise SpecError(
                [
                    (
                        name,
                        str(error.args[0]),
                        "a deviation points here, but nothing that it could change is there",
                    )
                ]
            ) from None

    active = {each: profiles.active(listed, each) for each in profiles.PROFILES}
    differing = active["observed"] ^ active["published"] if profile == "observed" else frozenset()
    return Views(
        served=view(active[profile]),
        observed=view(active["observed"]),
        published=view(active["published"]),
        undone={id_: view(active["observed"] ^ {id_}) for id_ in listed if id_ in differing},
        alone={id_: view(active["published"] ^ {id_}) for id_ in listed if id_ in differing},
        active=active[profile],
    )
