"""Catalogue folders: the built-in one, a person's own, and wrong ones told by file and fault."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from engine.intents.catalogue import BUILT_IN, CatalogueError, load
from engine.tools.tool import ToolContext

MINIMAL = 'title = "Notes"\ndescription = "Personal notes"\nexamples = ["note this"]\n'
TOOLS = '''
from engine.tools.function import effect
from . import store

@effect("read")
def list_notes() -> list[str]:
    """Show all notes."""
    return store.NOTES

def add_note(text: str) -> str:
    """Write down a note."""
    store.NOTES.append(text)
    return "Noted."

def unnamed(text) -> str:
    """No type."""
    return text
'''


def write(folder: Path, intent: str = MINIMAL, tools: str = "", manners: str = "") -> Path:
    (folder / "intents").mkdir(parents=True)
    (folder / "intents" / "notes.toml").write_text(intent)
    if tools:
        (folder / "tools.py").write_text(tools)
        (folder / "store.py").write_text("NOTES = ['milk']")
    if manners:
        (folder / "catalog.toml").write_text(manners)
    return folder


def test_the_built_in_catalogue_has_its_five_intents_and_their_tools() -> None:
    catalogue = load(BUILT_IN)
    assert {key: [t.name for t in i.tools] for key, i in catalogue.intents.items()} == {
        "balance": ["get_balance", "top_up_balance"],
        "contract": ["get_contract", "change_plan", "cancel_contract"],
        "data": ["get_data_balance", "top_up_data"],
        "payment": ["get_last_bill", "list_invoices", "pay_invoice"],
        "roaming": ["roaming_cost_for_country"],
    }
    effects = {tool.name: tool.effect for tool in catalogue.tools}
    assert effects["cancel_contract"] == "destructive"
    assert effects["top_up_balance"] == "write"
    assert effects["get_balance"] == "read"
    assert all(tool.summary for tool in catalogue.tools if tool.effect != "read")


def test_three_fields_make_an_intent(tmp_path: Path) -> None:
    catalogue = load(write(tmp_path / "mine"))
    assert catalogue.title == "mine"
    assert catalogue.intents["notes"].examples == {"": ("note this",)}
    assert catalogue.small_talk, "the manners every catalogue starts with"


def test_a_persons_own_tools_may_import_their_siblings(tmp_path: Path) -> None:
    intent = MINIMAL.replace("examples", 'tools = ["list_notes", "add_note"]\nexamples')
    catalogue = load(write(tmp_path / "mine", intent, TOOLS))
    assert [(t.name, t.effect) for t in catalogue.tools] == [
        ("list_notes", "read"),
        ("add_note", "write"),
    ]


def test_who_can_say_what_became_of_an_action_is_taken_from_the_tools(tmp_path: Path) -> None:
    intent = MINIMAL + 'tools = ["add_note"]\n'
    (silent,) = load(write(tmp_path / "silent", intent, TOOLS)).tools
    assert silent.outcome_of is None
    teller = TOOLS + "def outcome_of(context: object) -> str:\n    return 'done'\n"
    (tool,) = load(write(tmp_path / "telling", intent, teller)).tools
    assert tool.outcome_of is not None
    assert tool.outcome_of(ToolContext("a", "s", tmp_path)) == "done"
    assert all(tool.outcome_of is not None for tool in load(BUILT_IN).tools)


def test_policy_wording_and_trust_reach_the_tool(tmp_path: Path) -> None:
    intent = MINIMAL.replace("examples", 'tools = ["add_note"]\nuntrusted = ["add_note"]\nexamples')
    intent += '[summaries]\nadd_note = "Write: {text}"\n[questions.add_note]\ntext = "What?"\n'
    intent += '[policy.add_note]\ndecision = "auto"\nup_to = { text = 5 }\n'
    (tool,) = load(write(tmp_path / "mine", intent, TOOLS)).tools
    assert (tool.summary, tool.question(["text"])) == ("Write: {text}", "What?")
    assert (tool.policy.decision, tool.policy.up_to) == ("auto", {"text": 5.0})
    assert tool.untrusted


def test_own_manners_override_the_inherited_ones(tmp_path: Path) -> None:
    manners = 'assistant_name = "Bo"\n[small_talk.greeting]\nexamples = ["yo"]\nreplies = ["Yo!"]\n'
    catalogue = load(write(tmp_path / "mine", manners=manners))
    greeting = next(talk for talk in catalogue.small_talk if talk.key == "greeting")
    assert (catalogue.assistant_name, greeting.replies) == ("Bo", ("Yo!",))
    assert len(catalogue.small_talk) > 1


def test_own_words_on_what_is_out_of_scope_stand_beside_the_general_ones(tmp_path: Path) -> None:
    manners = '[out_of_scope]\nexamples = ["sell my notes"]\n'
    catalogue = load(write(tmp_path / "mine", manners=manners))
    assert catalogue.out_of_scope_examples == ("sell my notes",)
    assert "what's the weather?" in catalogue.strange_examples
    assert catalogue.out_of_scope_reply


@pytest.mark.parametrize(
    ("intent", "tools", "says"),
    [
        ("title = ", "", "notes.toml is not valid TOML"),
        ('title = "N"\nexamples = ["x"]\n', "", "notes.toml: description"),
        (MINIMAL + 'colour = "red"\n', "", "notes.toml: colour"),
        (MINIMAL + 'tools = ["fly"]\n', "", "'fly' needs a file"),
        (MINIMAL + 'tools = ["fly"]\n', TOOLS, "'fly' is not a function"),
        (MINIMAL + 'tools = ["unnamed"]\n', TOOLS, "parameter text has no type"),
        (MINIMAL, "import nowhere_at_all", "tools.py cannot be imported"),
        (MINIMAL + '[summaries]\nfly = "Fly"\n', "", r"\[summaries\] names 'fly'"),
        (MINIMAL + '[policy.fly]\ndecision = "auto"\n', "", r"\[policy\] names 'fly'"),
    ],
)
def test_a_wrong_catalogue_is_told_by_file_and_fault(
    tmp_path: Path, intent: str, tools: str, says: str
) -> None:
    with pytest.raises(CatalogueError, match=says) as error:
        load(write(tmp_path / "mine", intent, tools))
    assert "\n" not in str(error.value)


def test_a_folder_without_intents_is_none(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="has no intents"):
        load(tmp_path)
    with pytest.raises(CatalogueError, match="nowhere: there is no such folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["cancel", "small_talk", "reverted_card_payment?", "größe"])
def test_an_intent_may_be_called_as_a_data_set_does(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "mine")
    (folder / "intents" / f"{name}.toml").write_text(MINIMAL)
    assert name in load(folder).intents


def test_parameters_may_be_called_like_anything(tmp_path: Path) -> None:
    tools = "def odd(copy: int, schema: str, json: bool = False, _own: int = 1) -> None: ...\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tool,) = load(write(tmp_path / "mine", MINIMAL + 'tools = ["odd"]\n', tools)).tools
    given = {"copy": 2, "schema": "s", "_own": 3}
    assert list(tool.parameters["properties"]) == ["copy", "schema", "json", "_own"]
    assert tool.validate(given) == {**given, "json": False}


def test_tools_may_be_a_package(tmp_path: Path) -> None:
    mine = write(tmp_path / "mine", MINIMAL + 'tools = ["list_notes"]\n')
    (mine / "tools").mkdir()
    (mine / "tools" / "__init__.py").write_text("from .reading import list_notes as list_notes")
    (mine / "tools" / "reading.py").write_text("def list_notes() -> str:\n    return ''\n")
    assert [tool.name for tool in load(mine).tools] == ["list_notes"]


def test_thresholds_and_the_wish_to_skip_routing_are_read(tmp_path: Path) -> None:
    catalogue = load(
        write(tmp_path / "mine", manners='router = "bypass"\n[thresholds]\nclear = 0.7\n')
    )
    assert (catalogue.router, catalogue.thresholds.clear) == ("bypass", 0.7)
    with pytest.raises(CatalogueError, match=r"catalog.toml: thresholds: .*'sure_of'"):
        load(write(tmp_path / "wrong", manners="[thresholds]\nsure_of = 0.7\n"))


def test_a_type_that_no_schema_has_is_told_in_one_line(tmp_path: Path) -> None:
    tools = "class Odd: ...\ndef odd(thing: Odd) -> None: ...\n"
    with pytest.raises(CatalogueError, match=r"tools.py: odd: ") as error:
        load(write(tmp_path / "mine", MINIMAL + 'tools = ["odd"]\n', tools))
    assert "\n" not in str(error.value)


def test_a_tool_is_called_what_the_intent_calls_it(tmp_path: Path) -> None:
    tools = "def _inner() -> None: ...\ntidy_up = _inner\n"
    (tool,) = load(write(tmp_path / "mine", MINIMAL + 'tools = ["tidy_up"]\n', tools)).tools
    assert tool.name == "tidy_up"
