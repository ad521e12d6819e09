"""Everything that is wrong in a spec, also what keeps nobody from serving it: answers that break their own contract."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from mockserver import loading
from mockserver.engine.contract import Api
from mockserver.engine.deviations import PROFILES
from mockserver.engine.effective import effective_document
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import Problem, SpecError
from mockserver.engine.validation import Schema
from mockserver.engine.values import pointer_of
from mockserver.engine.world import Blueprint


def check_specs(specs: Iterable[Path]) -> Iterator[str]:
    """Yield a line for each sound spec; bundled ones where none is named. Raises `SpecError` with all problems."""
    specs = list(specs)
    known = loading.available(specs)
    names = [path.name.partition(".")[0] for path in specs] or list(known)
    problems: list[Problem] = []
    sound = []
    for name in dict.fromkeys(names):
        try:
            sound.append(_check(known[name], name))
        except SpecError as error:
            problems += error.problems
    yield from sound
    if problems:
        raise SpecError(dict.fromkeys(problems))


def _check(path: Path, name: str) -> str:
    apis = loading.gathered([partial(_loaded, path, name, profile) for profile in PROFILES])
    operations, examples = len(apis[0].operations), sum(map(_count_examples, apis))
    return f"{path}: sound ({operations} operation{'s' * (operations != 1)}, {examples} examples)"


def _loaded(path: Path, name: str, profile: str) -> Api:
    api = loading.load_spec(path, name, profile)
    try:
        blueprint = Blueprint([api])
    except SpecError as error:
        raise loading.located(error, {name: path}) from None
    problems = list(_broken_examples(effective_document(api, blueprint), profile))
    if problems:
        raise loading.with_lines(path, api.source, SpecError(problems))
    return api


def _examples(document: JSON) -> Iterator[tuple[str, str, str, JSON, JSON]]:
    """Yield pointer of the operation, status, name, schema and value of every example of an answer."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                for media in response.get("content", {}).values():
                    for name, example in media.get("examples", {}).items():
                        at = pointer_of(["paths", path, method])
                        yield at, status, name, media.get("schema", {}), example["value"]


def _count_examples(api: Api) -> int:
    return sum(1 for _ in _examples(effective_document(api, Blueprint([api]))))


def _broken_examples(document: JSON, profile: str) -> Iterator[tuple[str, str, str]]:
    shared = {"components": {"schemas": document["components"]["schemas"]}}
    for at, status, name, schema, value in _examples(document):
        for finding in Schema({"allOf": [schema], **shared}).findings(value):
            told = f"{finding.pointer or 'it'} {finding.message}"
            sentence = (
                f"the {profile} example {name!r} of {status} does not meet its schema: {told}. {finding.fix}"
            )
            yield "", f"{at}/responses/{status}", sentence.strip()
