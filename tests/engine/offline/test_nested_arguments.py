"""Arguments in three catalogues of other domains, by the message's words alone."""

from __future__ import annotations

import pytest

from engine.intents.catalogue import load
from engine.offline.drafts import Draft, common_words
from engine.offline.slot_filling import nested
from engine.tools.effective_arguments import effective
from tests.engine.catalogs.run import HERE, NOW, outcomes, rows_of

NAMES = ("library", "clinic", "travel")


@pytest.mark.parametrize("name", NAMES)
def test_arguments_of_a_tool_that_is_known(name: str) -> None:
    catalogue = load(HERE / name)
    tools = {tool.name: tool for intent in catalogue.intents.values() for tool in intent.tools}
    wrong = []
    for row in rows_of(name):
        tool = tools[row["tool"]]
        draft = Draft(tool)
        draft.take(row["text"], common_words(tool, catalogue), NOW)
        if "missing" in row:
            right = list(draft.missing) == row["missing"]
        else:
            wanted = effective(tool, row["arguments"]).shown
            right = not draft.missing and effective(tool, nested(draft.arguments)).shown == wanted
        wrong += [] if right else [(row["text"], draft.arguments)]

    assert len(wrong) <= 0.1 * len(rows_of(name)), wrong


@pytest.mark.timeout(1_500)  # hundreds of conversations, also on a busy machine
async def test_messages_as_a_person_sends_them() -> None:
    found = [o for name in NAMES for o in await outcomes(name, rows_of(name))]

    assert sum(outcome.tool_right for outcome in found) >= 0.92 * len(found)
    assert sum(outcome.right for outcome in found) >= 0.85 * len(found)
