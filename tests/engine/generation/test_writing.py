"""An intent's file with wording added: what is there stays."""

from __future__ import annotations

import tomllib
from pathlib import Path

from engine.generation.gaps import Wording
from engine.generation.writing import with_wording

PATH = Path("shop.toml")
ADDED = Wording(
    title="Shop",
    description="Orders",
    counter_examples=["return my book"],
    examples={"list_orders": ["my orders"]},
    summaries={"return_order": "Return {order_id}"},
    questions={"return_order": {"order_id": "Which order?"}},
)


def test_what_is_lacking_is_added_and_comments_stay() -> None:
    text = '# the shop\n[python]\nfile = "shop.py"\n\n# phrases\n'

    after = with_wording(PATH, text, ADDED)

    assert tomllib.loads(after) == {"python": {"file": "shop.py"}, **vars(ADDED)}
    assert "# the shop" in after
    assert "# phrases" in after


def test_what_a_person_wrote_is_never_overwritten() -> None:
    text = """
title = "Ours"  # by hand
counter_examples = []
[python]
file = "shop.py"
[examples]
list_orders = ["ours"]
[questions.return_order]
order_id = "Ours?"
reason = "Why?"
[summaries]
return_order = "Ours {order_id}"
"""
    data = tomllib.loads(with_wording(PATH, text, ADDED))

    assert data == tomllib.loads(text) | {"description": "Orders"}


def test_line_ends_stay_as_they_are() -> None:
    after = with_wording(PATH, '[python]\r\nfile = "shop.py"\r\n', ADDED)

    assert after.count("\n") == after.count("\r\n")


def test_examples_that_nobody_divided_stay_together() -> None:
    text = 'examples = ["one"]\n[python]\nfile = "shop.py"\n'

    data = tomllib.loads(with_wording(PATH, text, ADDED))

    assert data["examples"] == ["one"]
