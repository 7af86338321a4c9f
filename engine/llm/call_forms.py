"""Tool calls that a model wrote as text, in the forms that models are trained on.

A server whose parser does not know its model passes a call on as text. `read_calls` takes text that
consists of calls and of nothing else; half a call, an unknown form or a word beside it is refused,
since what was not understood must not run. `engine.llm.dialects` names the models.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from engine.llm import dialects

# A name and its arguments: a mapping, or text that is to be JSON.
Call = tuple[str, Any]
_JSON = json.JSONDecoder(strict=False)
_NAME = r"[\w.:/-]+"
_FENCE = re.compile(r"```(?:json|tool_call|tool_code|python|xml)?[ \t]*\n?(.*?)\s*```", re.DOTALL)

_TOKENS = sorted(
    (
        *dialects.CALL_TOKENS,
        *dialects.ENDS,
        *(f"<{slash}{tag}>" for tag in dialects.CALL_TAGS for slash in ("", "/")),
    ),
    key=len,
    reverse=True,
)
_BETWEEN = re.compile(rf"(?:[\s;,]|{'|'.join(map(re.escape, _TOKENS))})+")

# Qwen3-Coder, Seed-OSS, MiniMax-M2, Llama 3, Anthropic, DeepSeek V3.2 and V4: an element named
# for the function, with JSON or with one element a parameter in it.
_ELEMENT = re.compile(
    rf"""<(?P<tag>(?:｜DSML｜)?(?:function|invoke))(?:\s*=\s*|\s+name\s*=\s*)(?P<q>["']?)(?P<name>{_NAME})
    (?P=q)\s*>(?P<body>.*?)</(?P=tag)>""",
    re.DOTALL | re.VERBOSE,
)
_PARAMETER = re.compile(
    rf"""\s*<(?P<tag>(?:｜DSML｜)?(?:parameter|param))(?:\s*=\s*|\s+name\s*=\s*)(?P<q>["']?)
    (?P<name>{_NAME})(?P=q)(?P<is_text>\s+string="true")?[^>]*>(?P<value>.*?)</(?P=tag)>\s*""",
    re.DOTALL | re.VERBOSE,
)
# GLM: the name, then pairs.
_PAIRS = re.compile(
    rf"(?P<name>{_NAME})\s*(?P<body>(?:<arg_key>[^<]*</arg_key>\s*<arg_value>"
    r"(?:(?!</arg_value>).)*</arg_value>\s*)+)(?=</tool_call>|\Z)",
    re.DOTALL,
)
_PAIR = re.compile(
    r"<arg_key>(?P<name>[^<]*)</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>\s*", re.DOTALL
)
# The name, and JSON behind it.
_NAMED = (
    # Kimi-K2: functions.NAME:0<|tool_call_argument_begin|>{...}
    re.compile(rf"(?P<name>{_NAME})\s*<\|tool_call_argument_begin\|>\s*"),
    # DeepSeek V3 and R1: function<｜tool▁sep｜>NAME, then a fence; V3.1 has no fence
    re.compile(rf"function<｜tool▁sep｜>(?P<name>{_NAME})\s*(?=```)"),
    re.compile(rf"(?P<name>{_NAME})<｜tool▁sep｜>\s*"),
    # Mistral: NAME[ARGS]{...}, NAME[CALL_ID]ID[ARGS]{...}
    re.compile(rf"(?P<name>{_NAME})(?:\[CALL_ID\]\w+)?\[ARGS\]\s*"),
    # Harmony: ... to=functions.NAME <|channel|>commentary <|constrain|>json<|message|>{...}
    re.compile(
        rf"(?:assistant|commentary|\s)*to=(?P<name>{_NAME})(?:\s|<\|channel\|>"
        rf"(?:commentary|analysis)|<\|constrain\|>|json)*(?:<\|message\|>\s*|(?=\{{))"
    ),
    # Mistral since v11, Phi-4-mini: NAME{...}, functools[...]
    re.compile(rf"(?P<name>{_NAME})\s*(?=\{{)"),
)
_FUNCTOOLS = re.compile(r"functools\s*(?=\[)")
_GEMMA = re.compile(rf"call:(?P<name>{_NAME})(?=\{{)")
_GEMMA_KEY = re.compile(r"([{,]\s*)([A-Za-z_][\w-]*)\s*:")
_GEMMA_QUOTE = re.compile(r'<\|"\|>|<escape>')


def read_calls(text: str) -> list[Call]:
    """Return the calls that the text consists of; at least one.

    Raises `ValueError` where anything in it is not a call, or is a call that was cut.
    """
    calls: list[Call] = []
    at = 0
    while at < len(text := text.rstrip()):
        if between := _BETWEEN.match(text, at):
            at = between.end()
            continue
        found, at = _next(text, at)
        calls += found
    if not calls:
        raise ValueError("no call")
    return calls


def is_call(data: Any) -> bool:
    """Whether JSON data has the form of a call, whatever it names."""
    try:
        return bool(_of_json(data)) and _looks_meant(data)
    except ValueError:
        return False


def json_in(text: str) -> Iterator[Any]:
    """Each piece of JSON that begins a line or fills a fence."""
    for start in re.finditer(r"^[ \t]*(?:functools)?(?=[\[{])", text, re.MULTILINE):
        try:
            yield _JSON.raw_decode(text, start.end())[0]
        except (ValueError, RecursionError):
            continue


def _next(text: str, at: int) -> tuple[list[Call], int]:
    for form in _FORMS:
        found = form(text, at)
        if found is not None:
            return found
    raise ValueError("this form of a call is not known")


def _json_form(text: str, at: int) -> tuple[list[Call], int] | None:
    if text[at] not in "[{":
        return None
    try:
        data, end = _JSON.raw_decode(text, at)
    except ValueError:
        return None
    return _of_json(data), end


def _fence_form(text: str, at: int) -> tuple[list[Call], int] | None:
    if fence := _FENCE.match(text, at):
        return read_calls(fence[1]), fence.end()
    return None


def _element_form(text: str, at: int) -> tuple[list[Call], int] | None:
    if element := _ELEMENT.match(text, at):
        return [(element["name"], _parameters(element["body"]))], element.end()
    return None


def _pairs_form(text: str, at: int) -> tuple[list[Call], int] | None:
    if pairs := _PAIRS.match(text, at):
        found = {pair["name"].strip(): _value(pair["value"]) for pair in _PAIR.finditer(pairs[0])}
        return [(pairs["name"], found)], pairs.end()
    return None


def _named_form(text: str, at: int) -> tuple[list[Call], int] | None:
    if functools := _FUNCTOOLS.match(text, at):
        return _json_form(text, functools.end())
    for form in _NAMED:
        if named := form.match(text, at):
            begin, end = named.end(), -1
            if fence := _FENCE.match(text, begin):
                data, end = _JSON.decode(fence[1]), fence.end()
            elif text.startswith("<|call|>", begin) or begin == len(text):
                data, end = {}, begin
            else:
                data, end = _JSON.raw_decode(text, begin)
            if not isinstance(data, dict):
                raise ValueError("the arguments of a call are no object")
            return [(named["name"], data)], end
    return None


def _gemma_form(text: str, at: int) -> tuple[list[Call], int] | None:
    """Read Gemma 4 and FunctionGemma: `call:NAME{key:<|"|>text<|"|>,other:1}`."""
    named = _GEMMA.match(text, at)
    if named is None:
        return None
    pieces = _GEMMA_QUOTE.split(text[named.end() :])
    # Every other piece is text between two quotes.
    whole = "".join(
        json.dumps(piece) if number % 2 else _GEMMA_KEY.sub(r'\1"\2":', piece)
        for number, piece in enumerate(pieces)
    )
    data, length = _JSON.raw_decode(whole)
    rest = whole[length:]
    if rest.strip() not in ("", "<tool_call|>", "<end_function_call>", "<turn|>"):
        raise ValueError("several calls in this form are not read")
    return [(named["name"], data)], len(text)


def _python_form(text: str, at: int) -> tuple[list[Call], int] | None:
    """Read `[f(x=1), g()]` of Llama 4, LFM2 and others, or lines of `f(x=1)` (OLMo 3, Gemma)."""
    end = min((i for i in (text.find(t, at) for t in _TOKENS) if i >= 0), default=len(text))
    if not re.match(rf"\[?\s*{_NAME}\(", text[at:end]):
        return None
    try:
        body = ast.parse(text[at:end].strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        raise ValueError("these calls are not in the form of Python") from None
    calls: list[Call] = []
    for line in body:
        value = getattr(line, "value", None)
        for node in value.elts if isinstance(value, ast.List) else [value]:
            if not isinstance(node, ast.Call) or node.args:
                raise ValueError("this is no call by keywords")
            arguments = {}
            for keyword in node.keywords:
                if keyword.arg is None:
                    raise ValueError("the arguments of a call are unpacked")
                arguments[keyword.arg] = ast.literal_eval(keyword.value)
            name = ast.unparse(node.func).removesuffix(".call")
            calls.append((name, arguments))
    return calls, end


_FORMS: tuple[Callable[[str, int], tuple[list[Call], int] | None], ...] = (
    _json_form,
    _fence_form,
    _element_form,
    _pairs_form,
    _gemma_form,
    _named_form,
    _python_form,
)


def _of_json(data: Any) -> list[Call]:
    """Return the calls in JSON of any of the forms that models write.

    Raises `ValueError` where it has none, or more than calls.
    """
    if isinstance(data, list):
        return [call for each in data for call in _of_json(each)]
    if not isinstance(data, dict):
        raise ValueError("this JSON is no call")
    if isinstance(listed := data.get("tool_calls"), list):
        return _of_json(listed)
    inner = data.get("function")
    if isinstance(inner, dict):
        return _of_json(inner)
    name = next((data[key] for key in dialects.CALL_NAMES if isinstance(data.get(key), str)), None)
    if name is None:
        # Apertus: {"NAME": {...}}
        if len(data) == 1 and isinstance(only := next(iter(data.values())), dict):
            return [(next(iter(data)), only)]
        raise ValueError("this JSON is no call")
    given: Any = next((data[key] for key in dialects.CALL_ARGUMENTS if key in data), {})
    return [(name, {} if given is None else given)]


def _looks_meant(data: Any) -> bool:
    """Whether the data has a name and arguments, and not only some name."""
    if isinstance(data, list):
        return bool(data) and all(map(_looks_meant, data))
    if "tool_calls" in data or isinstance(data.get("function"), dict):
        return True
    return any(key in data for key in dialects.CALL_NAMES) and any(
        isinstance(data.get(key), dict | str) for key in dialects.CALL_ARGUMENTS
    )


def _parameters(body: str) -> dict[str, Any]:
    """Return what stands in an element: JSON of an object, or one element a parameter."""
    if not (stripped := body.strip()):
        return {}
    if stripped.startswith("{"):
        data = _JSON.decode(stripped)
        if not isinstance(data, dict):
            raise ValueError("the arguments of a call are no object")
        return data
    found: dict[str, Any] = {}
    at = 0
    while at < len(body):
        parameter = _PARAMETER.match(body, at)
        if parameter is None:
            raise ValueError("something stands beside the parameters of a call")
        value, at = parameter["value"], parameter.end()
        found[parameter["name"]] = value if parameter["is_text"] else _value(value)
    return found


def _value(text: str) -> Any:
    """Return a parameter's value: JSON where it is, else text.

    One line break on each side belongs to the markup (Qwen3-Coder's template).
    """
    text = text.removeprefix("\n").removesuffix("\n")
    try:
        return _JSON.decode(text.strip())
    except (ValueError, RecursionError):
        return text
