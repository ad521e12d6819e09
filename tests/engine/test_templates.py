"""Templates and expressions: what they are filled with, and what is refused."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from mockserver.engine.exchange import Request
from mockserver.engine.expressions import FUNCTIONS, NOTED, VALUES, TemplateError
from mockserver.engine.templates import compile_expression, compile_template, compile_writer
from mockserver.engine.values import ABSENT, encode

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@dataclass
class FakeFacts:
    body: Any = field(
        default_factory=lambda: {
            "to": [{"id": "ada"}, "bob"],
            "empty": "",
            "none": None,
            "n": 5,
            "mail": "Ada@X.org",
            "a/b": 1,
            "$k": "v",
        }  # fmt: skip
    )
    request: Request = field(
        default_factory=lambda: Request("POST", "/p", "a=1&b=", {"idempotency-key": "k", "x-empty": ""})
    )
    path: str = "/p"
    path_values: dict[str, str] = field(default_factory=lambda: {"id": "7"})
    now: float = 1795164055.651
    labels: dict[str, str] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=lambda: {"key": "the-key", "limit.window": 5})
    item: Any = None
    ids: Any = field(default_factory=lambda: random.Random(1).getrandbits)

    def items(self) -> list[Any]:
        return [{"field": "to", "wording": "to is wrong"}, {"field": "", "wording": "all is wrong"}]

    def written(self) -> list[tuple[str, Any]]:
        return [(item["field"], item["wording"]) for item in self.items()]

    def known(self, rule: str, value: Any) -> bool:
        return (rule, value) == ("transaction-id", "7")


FILLED = [
    # template                                                   filled with
    ("text",                                                     "text"),
    ("",                                                         ""),
    (5,                                                          5),
    (None,                                                       None),
    ({"a": [1, {"b": True}]},                                    {"a": [1, {"b": True}]}),
    ("{$request.body#/n}",                                       5),
    ("{$request.body}",                                          FakeFacts().body),
    ("{$request.body#/to/0/id}",                                 "ada"),
    ("{$request.body#/to/1}",                                    "bob"),
    ("{$request.body#/to/2}",                                    ABSENT),
    ("{$request.body#/to/01}",                                   ABSENT),
    ("{$request.body#/to/-1}",                                   ABSENT),
    ("{$request.body#/a~1b}",                                    1),
    ("{$request.body#/$k}",                                      "v"),
    ("{$request.header.Idempotency-Key}",                        "k"),
    ("{$request.path.id}",                                       "7"),
    ("{$request.query.a}",                                       "1"),
    ("{$request.query.c}",                                       ABSENT),
    ("n={$request.body#/n}, {$request.body#/absent}!",           "n=5, !"),
    ("{$request.body#/to}",                                      [{"id": "ada"}, "bob"]),
    ("to: {$request.body#/to}",                                  'to: [{"id": "ada"}, "bob"]'),
    ("{$request.body#/absent || $request.body#/n}",              5),
    ("{$request.body#/none || $request.body#/empty || 7}",       7),
    ("{$request.body#/absent || {}}",                            {}),
    ('{$request.body#/absent || "processed"}',                   "processed"),
    ('{$request.body#/absent || "a {$request.body#/n} }b"}',     "a 5 }b"),
    ('{$request.body#/absent || "a || b"}',                      "a || b"),
    ("{$request.body#/absent || null}",                          None),
    ("{$request.body#/absent || $mock.null}",                    None),
    ("{$request.body#/absent || $request.body#/none}",           None),
    ("{$request.body#/absent || $request.body#/empty}",          ""),
    ("{$mock.key}",                                              "the-key"),
    ("{$mock.scheme}",                                           ABSENT),
    ("w={$mock.limit.window}",                                   "w=5"),
    ("{$mock.lower($request.body#/mail)}",                       "ada@x.org"),
    ("{$mock.lower($request.body#/absent)}",                     ABSENT),
    ("{$mock.now}",                                              "2026-11-20T08:40:55.651Z"),
    ("{$mock.epochMs}",                                          1795164055651),
    ("{$mock.path}",                                             "/p"),
    ("{$mock.finding.wording}",                                  "to is wrong"),
    ("{$mock.findings}",                                         ["to is wrong", "all is wrong"]),
    ("{$mock.findingsByField}",                                  {"to": ["to is wrong"]}),
    ("{$mock.findingsOfRoot}",                                   ["all is wrong"]),
    ('{$mock.joined($mock.findings, "; ")}',                     "to is wrong; all is wrong"),
    ('{$mock.joined($request.body#/absent, "; ")}',              ""),
    ("{$mock.known(transaction-id, $request.path.id)}",          True),
    ({"a": "{$request.body#/absent}", "b": 1},                   {"b": 1}),
    (["{$request.body#/absent}", "{$request.body#/n}"],          [5]),
    ({"$each": "{$request.body#/to}", "$yield": "{$item}"},      [{"id": "ada"}, "bob"]),
    ({"$each": "{$request.body#/to}", "$yield": {"i": "{$item#/id}"}},        [{"i": "ada"}, {}]),
    ({"$each": "{$request.body#/to}", "$yield": {"i": "{$item.id || 0}"}},    [{"i": "ada"}, {"i": 0}]),
    ({"$each": "{$request.body#/n}", "$yield": 1},               []),
    ("{ not an expression }",                                    "{ not an expression }"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "value"), FILLED)
def test_what_a_template_is_filled_with(template: Any, value: Any) -> None:
    filled = compile_template(template)(FakeFacts())
    assert (type(filled), filled) == (type(value), value)


@pytest.mark.parametrize("template", [template for template, value in FILLED if value is not ABSENT])
def test_a_writer_writes_what_a_template_is_filled_with(template: Any) -> None:
    assert compile_writer(template)(FakeFacts()) == encode(compile_template(template)(FakeFacts()))


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("{$mock.uuid}", UUID),
        ("{$mock.objectId}", "[0-9a-f]{24}"),
        ("txn_{$mock.objectId}", "txn_[0-9a-f]{24}"),
        ("{$mock.uuid#a} {$mock.uuid#a}", r"(\S+) \1"),
        ("{$mock.uuid#a} {$mock.uuid#b}", r"(\S+) (?!\1)\S+"),
        ("{$mock.uuid} {$mock.uuid}", r"(\S+) (?!\1)\S+"),
        (
            "{$mock.uuidOf($request.body#/n)}",
            "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        ),
        ("{$mock.uuidOf($request.body#/n)} {$mock.uuidOf(5)}", r"(\S+) \1"),
        ('{$mock.uuidOf($request.body#/n)} {$mock.uuidOf("5")}', r"(\S+) (?!\1)\S+"),
    ],
)
def test_fresh_and_derived_ids(template: str, pattern: str) -> None:
    import re

    assert re.fullmatch(pattern, compile_template(template)(FakeFacts()))


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{$request.bodi#/a}", "expressions begin with one of"),
        ("{$request.body/a}", "needs a JSON Pointer"),
        ("{$request.body#a}", "needs a JSON Pointer"),
        ("{$mock.zzz}", "'$mock.zzz' is unknown; there are bodyText, catalogue.status"),
        ("{$mock.uid}", "'$mock.uid' is unknown; did you mean $mock.uuid?"),
        ("{$mock.uid()}", "is unknown, or has the wrong number of arguments"),
        ("{$mock.lower()}", "is neither an expression, JSON nor a quoted template"),
        ("{$mock.joined($mock.findings)}", "wrong number of arguments"),
        ("{$mock.key#label}", "is unknown"),
        ("{$itemized}", "write $item, $item.member or $item#/pointer"),
        ("{$request.body#/a || bare}", "'bare' is neither an expression, JSON nor a quoted template"),
        ("{$request.body#/a", "is never closed"),
        ({"$each": "{$mock.items}"}, "a list is written"),
        ({"$each": "$mock.items", "$yield": 1}, "is not an expression"),
        ({"deep": [{"a": "{$mock.nothing}"}]}, "is unknown"),
    ],
)
def test_what_is_refused(template: Any, sentence: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(template)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "text", ["{$mock.key} and more", "$mock.key", "key", 5, None, "{$mock.key}{$mock.key}"]
)
def test_an_expression_is_one_whole_expression(text: Any) -> None:
    with pytest.raises(TemplateError, match="is not an expression"):
        compile_expression(text)


@pytest.mark.parametrize("name", sorted({*VALUES, *NOTED}))
def test_every_name_can_be_compiled(name: str) -> None:
    compile_template(f"{{$mock.{name}}}")(FakeFacts())


def test_every_function_is_known() -> None:
    assert set(FUNCTIONS) == {"uuidOf", "lower", "digest", "joined", "known"}
