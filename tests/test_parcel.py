"""A fifth API, invented, is one YAML file and one fixture file: no line of Python knows it."""

from pathlib import Path

import pytest

from tests.conversations import WAYS, Conversation, hold, read_conversations

FOLDER = Path(__file__).parent / "parcel"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(each, id=each.title)
        for each in read_conversations(FOLDER / "conversations.yaml", FOLDER / "parcel.yaml")
    ],
)
def test_conversation(conversation: Conversation, way: str) -> None:
    hold(conversation, way)
