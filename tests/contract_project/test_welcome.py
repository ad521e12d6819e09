"""Tests of the example project: none of them looks at what is sent."""

from welcome import sign_up


def test_a_user_can_sign_up() -> None:
    assert sign_up("Ada", "free") == {"id": "ada", "name": "Ada", "plan": "free"}


def test_a_plan_is_kept() -> None:
    assert sign_up("Bob", "team")["plan"] == "team"
