"""The layering of the house, the purity of the engine and the size of its rooms, as tables."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "mockserver"

ENGINE = [
    "exchange", "faults", "values", "clock", "headers", "expressions", "templates", "media", "paths", "contract", "parameters", "deviations", "formats",
    "keywords", "document", "shapes", "references", "soundness", "views", "clauses", "compiler", "routing", "credentials", "parsing", "sentences",
    "judge", "conditions", "breaches", "unfolding", "explanation", "containment", "validation", "vocabulary", "wording",
    "issued", "dedup", "limits", "preferences", "journal", "comparison", "matching", "text_matchers", "json_matchers", "matchers",
    "sightings", "parts", "patterns", "delays", "rules", "scripts", "mappings", "policy", "signatures", "case", "authentication", "checks",
    "terms", "world", "items", "problems", "rendering", "rows", "decide", "samples", "effective", "search",
]  # fmt: skip
"""Each module of the engine may import those before it."""
CONTROL = [
    "guard", "replies", "nearness", "calls", "mappings", "steering", "waiting", "streaming", "sending", "exporting", "about", "plane",
]  # fmt: skip
SAMPLING = [
    "places",
    "goals",
    "scalars",
    "drawers",
    "containers",
    "breaking",
    "values",
    "subjects",
    "requests",
    "runs",
]
CLIENT = ["connection", "calls", "asking", "failures", "steering", "view", "handle"]
SERVER = [
    "handshakes",
    "cors",
    "console",
    "delivery",
    "transport",
    "plain",
    "protocol",
    "running",
    "app",
    "landing",
    "assembly",
]
WRAPPER = ["signals", "child", "environment", "wanted", "telling", "reporting", "run"]
REPORTS = [
    "escaping", "sensitive", "beginnings", "redaction", "near_misses", "lines", "summaries", "commands", "assertions", "journal_file", "exports", "attempts", "grouping", "retry_rules", "retries",
    "drift_text", "drift_checks",
    "item_keys", "recording", "origins", "places", "expectations", "violations", "judges", "verdict", "coverage", "spots", "junit", "github", "markdown", "closing",
]  # fmt: skip
DRIFT = ["rules", "schemas", "pairing", "differences", "operations", "pages", "fetching", "survey"]
OUTSIDE = [
    {"options", "yamltext", "namespaces", "waits"}, {"loading", "configuration", "overview"}, {"wire", "plan", "editing", "stage", "tls"}, {"drift"}, {"reports"},
    {"checking", "sampling"}, {"control"}, {"server"}, {"watch"}, {"launch"}, {"wrapper"},
    {"client"}, {"command_options"}, {"cli", "__main__", "pytest_plugin"},
]  # fmt: skip
"""Above the engine, upwards."""

FORBIDDEN_IN_ENGINE = {
    "asyncio",
    "logging",
    "os",
    "pathlib",
    "random",
    "socket",
    "subprocess",
    "threading",
    "time",
}
FORBIDDEN_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "open", "print", "input"}


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            inside = [f"{module}.{name.name}" for name in node.names]
            yield from (
                each if (PACKAGE.parent / f"{each.replace('.', '/')}.py").is_file() else module
                for each in inside
            )


def test_every_module_has_a_rank() -> None:
    assert {path.stem for path in modules(PACKAGE / "engine")} == set(ENGINE)
    assert {path.stem for path in modules(PACKAGE / "control")} == set(CONTROL)
    assert {path.stem for path in modules(PACKAGE / "drift")} == set(DRIFT)
    assert {path.stem for path in modules(PACKAGE / "sampling")} == set(SAMPLING)
    assert {path.stem for path in modules(PACKAGE / "reports")} == set(REPORTS)
    assert {path.stem for path in modules(PACKAGE / "server")} == set(SERVER)
    assert {path.stem for path in modules(PACKAGE / "client")} == set(CLIENT)
    assert {path.stem for path in modules(PACKAGE / "wrapper")} == set(WRAPPER)
    assert {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} == set.union(*OUTSIDE) - {
        "client",
        "control",
        "drift",
        "reports",
        "sampling",
        "server",
        "wrapper",
    }


@pytest.mark.parametrize(
    ("folder", "ranks"),
    [
        ("engine", ENGINE),
        ("drift", DRIFT),
        ("reports", REPORTS),
        ("control", CONTROL),
        ("server", SERVER),
        ("client", CLIENT),
        ("wrapper", WRAPPER),
        ("sampling", SAMPLING),
    ],
)
def test_modules_import_only_earlier_ones(folder: str, ranks: list[str]) -> None:
    prefix = f"mockserver.{folder}."
    wrong = [
        (path.stem, name)
        for path in modules(PACKAGE / folder)
        for name in imports(path)
        if name.startswith(prefix) and ranks.index(name.removeprefix(prefix)) >= ranks.index(path.stem)
    ]
    assert not wrong


def test_imports_point_one_way() -> None:
    def rank(module: str) -> int:
        part = module.split(".")[1] if "." in module else ""
        return next((index for index, rooms in enumerate(OUTSIDE, 1) if part in rooms), 0)

    wrong = []
    for path in modules(PACKAGE):
        own = ".".join(path.relative_to(TOP).with_suffix("").parts)
        wrong += [
            (own, name) for name in imports(path) if name.startswith("mockserver.") and rank(name) > rank(own)
        ]
    assert not wrong


def test_the_engine_is_pure() -> None:
    wrong = []
    for path in modules(PACKAGE / "engine"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wrong += [(path.stem, name) for name in imports(path) if name.split(".")[0] in FORBIDDEN_IN_ENGINE]
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await):
                wrong.append((path.stem, "async"))
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                own = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value).endswith("clock")
                if called in FORBIDDEN_CALLS and not own:
                    wrong.append((path.stem, called))
    assert not wrong


def test_no_api_is_named_in_python() -> None:
    stems = {path.stem for path in (TOP / "specs").glob("*.yaml")}
    assert stems
    found = [
        (path.name, stem)
        for path in PACKAGE.rglob("*.py")
        for stem in stems
        if stem in path.read_text(encoding="utf-8").lower()
    ]
    assert not found


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield f"{path.stem}.{node.name}", node.end_lineno - node.body[0].lineno + 1


def test_functions_and_modules_stay_small() -> None:
    lengths = [each for path in modules(PACKAGE) for each in functions(path)]
    ordered = sorted(length for _, length in lengths)
    assert statistics.median(ordered) <= 8
    assert ordered[int(len(ordered) * 0.9)] <= 25
    assert not [each for each in lengths if each[1] > 50]
    sizes = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(PACKAGE)}
    assert not {name: size for name, size in sizes.items() if size > 350}


def test_the_oracle_of_the_tests_is_not_used_outside_them() -> None:
    assert not [path.stem for path in modules(PACKAGE) for name in imports(path) if name == "jsonschema"]


def test_hypothesis_is_used_for_samples_only() -> None:
    users = {
        path.parent.name
        for path in modules(PACKAGE)
        for name in imports(path)
        if name.split(".")[0] == "hypothesis"
    }
    assert users == {"sampling"}
