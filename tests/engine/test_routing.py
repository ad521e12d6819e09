"""Method and path to operation: exact, templated, encoded, wrong, and unknown but near."""

import pytest

from mockserver.engine.faults import SpecError
from mockserver.engine.routing import Found, NoRoute, Router, WrongMethod
from tests.engine.specs import OPERATION, WORDS, api, spec

ALIASES = [
    {
        "path": "/{version}/things",
        "where": {"version": "[0-9]{4}-[0-9]{2}"},
        "supplies": {"X-Version": "version"},
    },
    {"path": "/owners/{owner-id}/things/"},
]


@pytest.fixture
def router() -> Router:
    return Router([api({f"{WORDS}/aliases": ALIASES})])


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/things", {}),
        ("//things", {}),
        ("///things", {}),
        ("/th%69ngs", {}),
        ("/2024-03/things", {"version": "2024-03"}),
        ("/owners/ada/things/", {"owner-id": "ada"}),
        ("/owners/a%2Fb/things/", {"owner-id": "a/b"}),
        ("/owners/a%252Fb/things/", {"owner-id": "a%2Fb"}),
        ("/owners/%C3%A9/things/", {"owner-id": "é"}),
        ("/owners/%FF/things/", {"owner-id": "\ufffd"}),
    ],
)
def test_found(router: Router, path: str, values: dict[str, str]) -> None:
    found = router.route("POST", path)
    assert isinstance(found, Found)
    assert found.values == values
    assert found.supplied == ({"x-version": "2024-03"} if "version" in values else {})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/things/",
        "/thing",
        "/Things",
        "/a/things",
        "/owners//things/",
        "/owners/a/b/things/",
        "/things%2F",
        "*",
    ],
)
def test_no_route(router: Router, path: str) -> None:
    assert router.route("POST", path) == NoRoute()


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "FOO", "post"]
)
def test_wrong_method(router: Router, method: str) -> None:
    for path in ("/things", "/2024-03/things"):
        routed = router.route(method, path)
        assert isinstance(routed, WrongMethod)
        assert routed.allowed == ("OPTIONS", "POST")


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/thing", "/things"),
        ("/things/", "/things"),
        ("/owners/ada/thing", "/owners/{owner-id}/things/"),
        ("/zzz", None),
    ],
)
def test_nearest_routes(router: Router, path: str, nearest: str | None) -> None:
    near = router.nearest("POST", path)
    assert (near[0].path if near else None) == nearest


def test_two_operations_on_one_route_name_both() -> None:
    with pytest.raises(SpecError) as caught:
        Router([api(name="things"), api(name="others")])
    (problem,) = caught.value.problems
    assert problem[:2] == ("others", "/paths/~1things/post")
    assert (
        problem.sentence
        == "POST /things is make of things already; serve one of them below a path: --prefix others=/others"
    )


def test_variables_of_other_names_clash_as_well() -> None:
    first, second = ({f"{WORDS}/aliases": [{"path": f"/x/{{{name}}}"}]} for name in ("a", "b"))
    with pytest.raises(SpecError, match="is make of things already"):
        Router([api(first), api({**second, f"{OPERATION}/operationId": "other"}, name="others")])


def test_the_same_path_may_serve_several_methods() -> None:
    router = Router(
        [api({"/paths/~1things/put": {**spec()["paths"]["/things"]["post"], "operationId": "put"}})]
    )
    assert isinstance(router.route("PUT", "/things"), Found)
    wrong = router.route("GET", "/things")
    assert isinstance(wrong, WrongMethod)
    assert wrong.allowed == ("OPTIONS", "POST", "PUT")


def test_a_path_without_variables_comes_before_one_that_has_some() -> None:
    """As OpenAPI has it: another method of the latter is found all the same, but not offered."""
    other = {"responses": {"200": {"description": ""}}}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    router = Router([api({"/paths/~1{id}": {"parameters": [parameter], "delete": other, "post": other}})])
    posted, deleted, wrong = (router.route(method, "/things") for method in ("POST", "DELETE", "PUT"))
    assert isinstance(posted, Found)
    assert posted.route.path == "/things"
    assert isinstance(deleted, Found)
    assert deleted.values == {"id": "things"}
    assert isinstance(wrong, WrongMethod)
    assert wrong.allowed == ("OPTIONS", "POST")
