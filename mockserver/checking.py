"""Everything that is wrong in a spec, also what keeps nobody from serving it: answers that break their own contract."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mockserver import loading
from mockserver.engine.contract import Api, Operation
from mockserver.engine.deviations import PROFILES
from mockserver.engine.effective import answers_of, effective_document
from mockserver.engine.faults import Problem, SpecError
from mockserver.engine.validation import Schema
from mockserver.engine.world import Blueprint


def check_specs(specs: Iterable[Path]) -> Iterator[str]:
    """Yield a line for each sound spec; bundled ones where none is named. Raises `SpecError` with all problems."""
    specs = list(specs)
    known = loading.available(specs)
    names = [path.name.partition(".")[0] for path in specs] or list(known)
    problems: list[Problem] = []
    for name in dict.fromkeys(names):
        try:
            yield _checked(known[name], name)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(dict.fromkeys(problems))


def _checked(path: Path, name: str) -> str:
    apis = loading.gathered([partial(_loaded, path, name, profile) for profile in PROFILES])
    if problems := list(broken_examples(apis, [path])):
        raise SpecError(problems)
    operations = apis[0].operations
    statuses = sorted({answer.status for each in operations for _, answer, _ in answers_of(each)})
    told = ", ".join(map(str, statuses))
    return f"{path}: sound; {len(operations)} operation{'s' * (len(operations) != 1)}, answering {told}"


def _loaded(path: Path, name: str, profile: str) -> Api:
    api = loading.load_spec(path, name, profile)
    try:
        Blueprint([api])
    except SpecError as error:
        raise loading.located(error, {name: path}) from None
    return api


def broken_examples(apis: Iterable[Api], specs: Sequence[str | Path]) -> Iterator[Problem]:
    """Yield each example of an answer that does not meet its own schema, of the APIs that some files define."""
    files = {Path(spec).name.partition(".")[0]: Path(spec) for spec in specs}
    for api in apis:
        if api.name in files and (found := list(dict.fromkeys(_broken(api)))):
            yield from loading.with_lines(files[api.name], api.source, SpecError(found)).problems


def _broken(api: Api) -> Iterator[tuple[str, str, str]]:
    document = effective_document(api, Blueprint([api]))
    shared = {"components": {"schemas": document["components"]["schemas"]}}
    for operation in api.operations:
        responses = document["paths"][operation.path][operation.method.lower()]["responses"]
        for place, name, status, content in _examples(operation, responses):
            for finding in Schema({"allOf": [content.get("schema", {})], **shared}).findings(
                content["examples"][name]["value"]
            ):
                told = f"{finding.pointer or 'it'} {finding.message}"
                yield api.name, place, f"the example {name!r} of {status} does not meet its schema: {told}"


def _examples(operation: Operation, responses: dict[str, Any]) -> Iterator[tuple[str, str, int, Any]]:
    """Yield place, name, status and media object of every example of an operation's answers."""
    for name, answer, _ in answers_of(operation):
        for content in responses[str(answer.status)].get("content", {}).values():
            if answer.example is not None and name in content.get("examples", {}):
                yield answer.place, name, answer.status, content
