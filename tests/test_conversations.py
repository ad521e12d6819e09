"""Every conversation of ``fixtures/``, held with the engine, with the application, and over a port."""

from pathlib import Path

import pytest

from tests.conversations import WAYS, Conversation, hold, read_conversations

FIXTURES = Path(__file__).parent.parent / "fixtures"
FILES = sorted(FIXTURES.glob("*/*.yaml"))
CONVERSATIONS = [(path, each) for path in FILES for each in read_conversations(path)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "conversation",
    [pytest.param(each, id=f"{path.parent.name}/{path.stem}: {each.title}") for path, each in CONVERSATIONS],
)
def test_conversation(conversation: Conversation, way: str) -> None:
    hold(conversation, way)


def test_every_api_has_conversations() -> None:
    apis = {path.stem for path in (FIXTURES.parent / "specs").glob("*.yaml")}
    assert {path.parent.name for path in FILES} == apis
