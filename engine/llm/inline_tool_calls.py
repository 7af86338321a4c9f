"""What a model writes that is not prose: its thoughts, and calls in words.

Small models think before they answer, and servers that do not know a model's form pass thoughts
and calls on as text. Thoughts are dropped. A call is taken only where explicit markup begins it, or
where the reply is nothing but a call, where all it names was offered, and where nothing follows it;
a call in a code example, in a quotation, or copied from the conversation is not the model's own.
What looks like a call and is not taken is reported, so that nobody believes that it was done.
`engine.llm.dialects` has the forms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from engine.conversation import ToolCall
from engine.ids import new_call_id
from engine.llm import call_forms, dialects
from engine.text import replace_surrogates

# A fenced reply longer than this is an example or a document, in characters.
_LONGEST_FENCED = 65_536
_BEGINNINGS = (*(thought.begins for thought in dialects.THOUGHTS), *dialects.LEADS)
_UNOPENED = re.compile("|".join(f"(?:{thought.ends})" for thought in dialects.UNOPENED))
_TAGS = tuple(f"<{tag}>" for tag in dialects.CALL_TAGS)
_MARKS = (*dialects.CALL_TOKENS, *dialects.ENDS, *dialects.CALL_OPENINGS, *_TAGS)
_MARK = re.compile("|".join(map(re.escape, sorted(_MARKS, key=len, reverse=True))))
_LONGEST = max(map(len, (*_MARKS, *_BEGINNINGS))) + 8
_WHOLE_FENCE = re.compile(r"```\w*\s(.*?)\s*```", re.DOTALL)
_LINE = 4096
_MOST_MENTIONS = 20  # of a tag in a text that is about such tags
_FENCE = re.compile(r"```(?:(?:json|tool_call|xml)?[ \t]*\n\s*(?:[\[{<]|\Z)|tool_code[ \t]*\n)")
_NAME = r"[\w.]+"
_ESCAPED = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|[nrt])")
# Behind a tag: nothing that tells yet.
_PENDING = re.compile(r"\s*|\s?[\w.:-]{1,200}(?:\n\s*<?/?)?")
_QUOTING = "`'\"“‘«"
_PUNCTUATION = re.compile(r"[.,;:!?)\]](?:\s|\Z)")
_FENCE_LINE = re.compile(r"^[ \t]*```", re.MULTILINE)
# gpt-oss behind a server that drops special tokens: "analysisThe person ... assistantfinalHello".
_BARE_ANALYSIS = re.compile(r"analysis(?=[A-Z])")
_BARE_FINAL = re.compile(r"assistantfinal|assistant(?=commentary)")


class InlineToolCallParser:
    """Takes text in pieces, gives the prose in it as soon as it is sure to be prose, and the rest
    of it with the calls at the end.

    `offered` are the names that may be called; without any, markup of calls is text. `hold` keeps
    all prose back until the end, for a model whose thoughts may have no beginning. `conversation`
    are the texts that a quotation may come from.
    """

    def __init__(
        self,
        offered: frozenset[str],
        *,
        hold: bool = False,
        conversation: Iterable[str] = (),
    ) -> None:
        self.unopened = False  # thoughts without a beginning were seen
        self.misunderstood = False  # something looked like a call and was not taken
        self._offered = offered
        self._hold = hold
        self._conversation = tuple(conversation)
        self._held: list[str] = []
        self._ends: re.Pattern[str] | None = None  # of the thoughts that are open
        self._begun = self._thought = False
        self._mentions = 0
        self._waits, self._tail = False, ""  # for the end of thoughts that had no beginning
        self._to_the_end = False  # only the end will tell
        self._in_call = False
        self._prose = _Prose()
        names = "|".join(map(re.escape, sorted(offered, key=len, reverse=True)))
        self._python_call = re.compile(rf"^[ \t]*\[?(?:{names})\(.*\)\]?[ \t]*$", re.MULTILINE)
        self._call_follows = re.compile(
            rf"\s*(?:[{{\[<(]|call:|(?:functions\.)?(?:{names})\b)"
            r"|\n?[\w.:-]+(?:\n\s*)?(?:</?[a-z]|\()"
        )

    @property
    def in_block(self) -> bool:
        """Whether a call has begun, or is over, that was marked as one."""
        return self._in_call

    def feed(self, new: str) -> str:
        """Take in a piece; returns what may be shown, often none."""
        self._held.append(new)
        if self._to_the_end or (self._waits and not self._may_end_thoughts(new)):
            return ""
        text = "".join(self._held)
        if not self._begun:
            text = self._begin(text, ended=False)
        self._held = [text]
        return self._pass_on(text) if self._begun else ""

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """Return the prose not shown yet, and the calls."""
        text, shown = "".join(self._held), ""
        if not self._begun:
            text = self._begin(text, ended=True)
            if self._ends is not None:
                return "", ()
            shown = self._pass_on(text)
            text = "".join(self._held)
        calls = self._calls_in(text)
        if calls:
            return shown, calls
        self._prose.add(rest := _without_ends(text))
        self._look_for_missed_calls()
        self.unopened = (
            self.unopened or _behind_unopened(self._prose.text(), ended=True) is not None
        )
        return shown + ("" if self.misunderstood else rest), ()

    def _may_end_thoughts(self, new: str) -> bool:
        """Whether thoughts without a beginning may end in this piece."""
        self._tail = self._tail[-_LONGEST:] + new
        if self._mentions > _LONGEST or not _UNOPENED.search(self._tail):
            return False
        self._mentions += 1
        return True

    def _begin(self, text: str, *, ended: bool) -> str:
        """Return the text behind the thoughts it begins with; of open ones, what may be their end.

        `_begun` is set once it is clear that prose or a call begins.
        """
        while True:
            if self._ends is not None:
                end = self._ends.search(text)
                if end is None:
                    return text[-_LONGEST:]
                self._ends, self._thought = None, True
                text = text[end.end() :]
            bare = text.lstrip()
            if self._thought:
                text = bare
            if thought := next((t for t in dialects.THOUGHTS if bare.startswith(t.begins)), None):
                self._ends, text = re.compile(thought.ends), bare[len(thought.begins) :]
            elif lead := next((lead for lead in dialects.LEADS if bare.startswith(lead)), ""):
                self._thought, text = True, bare[len(lead) :]
            elif analysis := _BARE_ANALYSIS.match(bare):
                self._ends, text = _BARE_FINAL, bare[analysis.end() :]
            elif (behind := _behind_unopened(text, ended=ended, waits=self._hold)) is not None:
                self.unopened = self._thought = True
                text = behind
            else:
                undecided = any(b.startswith(bare) for b in (*_BEGINNINGS, "analysis"))
                self._begun = ended or not (self._hold or undecided)
                self._waits = not (self._begun or undecided)
                return text

    def _pass_on(self, text: str) -> str:
        """Return the prose at the beginning of the text that is sure to be prose; keep the rest."""
        cut = self._end_of_prose(text)
        if cut < len(text):
            cut = len(text[:cut].rstrip())  # space before a call is nothing to show
        self._held = [text[cut:]]
        self._prose.add(text[:cut])
        return text[:cut]

    def _end_of_prose(self, text: str) -> int:
        """Where in the text begins what is, or may become, a call or the end of a message."""
        if self._offered and self._prose.is_blank and self._may_be_bare(text.lstrip()):
            return 0
        at = 0
        while mark := _MARK.search(text, at):
            if self._opens(text, mark):
                return mark.start()
            at = mark.end()
        for start in range(max(at, len(text) - _LONGEST), len(text)):
            if text[start] in "<[" and _may_be_mark(text[start:]):
                return start
        return len(text)

    def _may_be_bare(self, reply: str) -> bool:
        """Whether this is, or may become, nothing but JSON, a fence of it, or calls in Python."""
        if _MARK.match(reply):
            return False
        if re.match(rf"\{{|\[\s*(?:\{{|{_NAME}\()|functools\[|commentary to=", reply):
            self._to_the_end = True
            return True
        if fence := _FENCE.match(reply):
            closed = reply.find("```", fence.end())
            goes_on = closed >= 0 and reply[closed + 3 :].strip()
            return not goes_on and len(reply) <= _LONGEST_FENCED
        pending = re.fullmatch(rf"\[\s*(?:{_NAME})?|`{{1,3}}|```\w{{0,9}}", reply)
        words = ("functools[", "commentary to=")
        return bool(pending) or (bool(reply) and any(word.startswith(reply) for word in words))

    def _opens(self, text: str, mark: re.Match[str]) -> bool:
        """Whether this mark opens a call, or ends the message, or does so if the text goes on."""
        if self._prose.quotes(text[: mark.start()]):
            return False
        behind = text[mark.end() :]
        if mark[0] in dialects.ENDS:
            behind = behind.lstrip()
            if following := _MARK.match(text, len(text) - len(behind)):
                return self._opens(text, following)
            return _may_be_mark(behind)
        if not self._offered:
            return False
        if mark[0] in _TAGS and not self._call_follows.match(behind):
            return bool(_PENDING.fullmatch(behind))
        self._to_the_end = self._in_call = True
        return True

    def _calls_in(self, text: str) -> tuple[ToolCall, ...]:
        """All the calls that the text consists of, or none."""
        bare = text.strip()
        marked = self._in_call or self._prose.is_blank
        if not (self._offered and marked):
            return ()
        try:
            found = call_forms.read_calls(bare)
        except (ValueError, RecursionError):
            self.misunderstood = self._in_call and not self._is_quoted(bare)
            return ()
        calls = [self._call(name, arguments) for name, arguments in found]
        if self._is_quoted(bare):
            return ()
        if all(calls):
            return tuple(filter(None, calls))
        self.misunderstood = self._in_call or _has_form_of_call(bare)
        return ()

    def _call(self, name: str, arguments: Any) -> ToolCall | None:
        name = clean_name(name, self._offered)
        if name not in self._offered:
            return None
        if not isinstance(arguments, str):
            arguments = to_json(arguments)
        return ToolCall(new_call_id(), name, arguments)

    def _look_for_missed_calls(self) -> None:
        """Report calls to an offered tool, in JSON or Python, that prose surrounds."""
        if not self._offered:
            return
        text = self._prose.text()
        for call in self._python_call.finditer(text):
            self.misunderstood |= not self._is_quoted(call[0])
        for data in call_forms.json_in(text):
            if not call_forms.is_call(data) or self._is_quoted(json.dumps(data)):
                continue
            names = [name for name, _ in call_forms.read_calls(json.dumps(data))]
            if any(clean_name(name, self._offered) in self._offered for name in names):
                self.misunderstood = True

    def _is_quoted(self, text: str) -> bool:
        """Whether the conversation has this text: then the model repeats what it was told."""
        plain = _squeezed(text)
        return bool(plain) and any(plain in _squeezed(said) for said in self._conversation)


class _Prose:
    """What was shown, and whether what comes next stands in code or in a quotation."""

    def __init__(self) -> None:
        self.is_blank = True
        self._shown: list[str] = []
        self._line = ""
        self._fenced = False

    def add(self, text: str) -> None:
        self.is_blank = self.is_blank and not text.strip()
        self._shown.append(text)
        line, self._fenced = self._after(text)
        # Of a very long line, what tells whether it is a quotation.
        self._line = line if len(line) <= 2 * _LINE else line[:1] + line[-_LINE:]

    def text(self) -> str:
        return "".join(self._shown)

    def quotes(self, text: str) -> bool:
        """Whether what follows this text is quoted; `text` is not added."""
        line, fenced = self._after(text)
        before = line.lstrip()
        return (
            fenced
            or before.startswith(">")
            or before.count("`") % 2 == 1
            or line[-1:] in tuple(_QUOTING)
        )

    def _after(self, text: str) -> tuple[str, bool]:
        lines = (self._line + text).split("\n")
        fenced = self._fenced
        for line in lines[:-1]:
            fenced ^= line.lstrip().startswith("```")
        return lines[-1], fenced


def clean_name(name: str, offered: frozenset[str]) -> str:
    """Return the name of the offered tool that is meant, or the name as it is.

    gpt-oss appends its channel (`NAME<|channel|>commentary`) and both it and Kimi write
    `functions.NAME`, Kimi with `:0` behind it.
    """
    if name in offered:
        return name
    cleaned = name.partition("<|")[0].strip().removeprefix("functions.")
    for candidate in (cleaned, re.sub(r":\d+\Z", "", cleaned)):
        if candidate in offered:
            return candidate
    return name


def to_json(arguments: Any) -> str:
    """Return arguments as JSON text that can be written anywhere."""
    return json.dumps(replace_surrogates(arguments), ensure_ascii=False)


def _behind_unopened(text: str, *, ended: bool, waits: bool = False) -> str | None:
    """Return what stands behind the end of thoughts that have no beginning, if there is such.

    `ended`: nothing follows the text. `waits`: where only what follows can tell, there is none yet.
    """
    for end in islice(_UNOPENED.finditer(text), _MOST_MENTIONS):
        before, behind = text[: end.start()], text[end.end() :]
        if any(t.begins in before for t in dialects.UNOPENED if re.fullmatch(t.ends, end[0])):
            return None
        if _is_mentioned(before, behind):
            continue
        if not ended and _may_be_mentioned(before, behind):
            if waits:
                return None
            if before[-1:] == " ":
                continue
        return behind
    return None


def _is_mentioned(before: str, behind: str) -> bool:
    """Whether a text is about what stands between these, instead of using it.

    In a sentence it has a space or a quotation mark on each side, or a punctuation mark behind it.
    """
    line = before.rpartition("\n")[2]
    return (
        before[-1:] in tuple(_QUOTING)
        or (before[-1:] == " " and behind[:1] == " ")
        or (bool(line.strip()) and bool(_PUNCTUATION.match(behind)))
        or (line.count("`") % 2 == 1 and "`" in behind.partition("\n")[0])
        or (_in_fence(before) and bool(_FENCE_LINE.search(behind)))
    )


def _may_be_mentioned(before: str, behind: str) -> bool:
    """Whether more of the text could show that it is `_is_mentioned`."""
    line = before.rpartition("\n")[2]
    return (
        _in_fence(before)
        or (bool(line.strip()) and len(behind) < 2)
        or (line.count("`") % 2 == 1 and "\n" not in behind)
    )


def _in_fence(before: str) -> bool:
    return len(_FENCE_LINE.findall(before)) % 2 == 1


def _may_be_mark(text: str) -> bool:
    """Whether the text is the beginning of a mark, or nothing."""
    return any(mark.startswith(text) for mark in _MARKS)


def _without_ends(text: str) -> str:
    """Return the text without the tokens that end a message."""
    while stripped := next((e for e in dialects.ENDS if text.rstrip().endswith(e)), ""):
        text = text.rstrip().removesuffix(stripped)
    return text


def _has_form_of_call(text: str) -> bool:
    """Whether text that can be read as calls is meant as such: any JSON with a name can be."""
    if fence := _WHOLE_FENCE.fullmatch(text):
        text = fence[1]
    try:
        return call_forms.is_call(json.loads(text))
    except (ValueError, RecursionError):
        return True


def _squeezed(text: str) -> str:
    """Return the text without what differs between a text and its form in JSON."""
    text = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else "", text)
    return re.sub(r"[\s\\]+", "", text)
