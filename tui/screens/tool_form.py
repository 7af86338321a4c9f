"""What a tool or a server's prompt needs, on a form over the screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from textual.app import App

from engine.events import InputRequested
from engine.tools.form_fields import fields_of, values_of
from engine.tools.source import ServerPrompt
from engine.tools.tool import InvalidArguments
from tui.formatting.text import one_line
from tui.screens.form import Field, FormScreen
from tui.services.backend import AppBackend


async def fill_in(
    app: App[Any], request: InputRequested, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The values that the person writes, each of its kind; None: they left the form as it was."""
    form = request.form or {}
    fields = fields_of(request.message, form)
    # Names of a tool's fields can be anything, those of widgets cannot.
    ids = {f"field-{number}": one for number, one in enumerate(fields)}

    def written(given: Mapping[str, str]) -> dict[str, str]:
        return {one.name: given[id] for id, one in ids.items()}

    async def check(given: Mapping[str, str]) -> str:
        try:
            values_of(form, fields, written(given))
        except InvalidArguments as error:
            return str(error)
        return ""

    screen = FormScreen(
        "Nothing is sent before you have seen it once more",
        [
            Field(
                id,
                one_line(f"{one.label}: {one.about}" if one.about else one.label),
                one_line(one.written(values.get(one.name)), 2000),
                one_line(one.hint + ("" if one.required else ", or nothing")),
                needed=one.required,
            )
            for id, one in ids.items()
        ],
        about=one_line(request.message, 1000),
        check=check,
        checking="",
    )
    given = await app.push_screen_wait(screen)
    return None if given is None else values_of(form, fields, written(given))


async def ask_arguments(
    app: App[Any], backstage: AppBackend, prompt: ServerPrompt, given: Mapping[str, str]
) -> dict[str, str] | None:
    """The arguments of a server's prompt; asked for where one that it needs is not `given`.

    None: the person left the form.
    """
    if all(given.get(one.name) for one in prompt.arguments if one.required):
        return dict(given)
    ids = {f"field-{number}": one for number, one in enumerate(prompt.arguments)}
    fields = [
        Field(
            id,
            one_line(f"{one.name}: {one.about}" if one.about else one.name),
            given.get(one.name, ""),
            "text" if one.required else "text, or nothing",
            needed=one.required,
            suggest=partial(backstage.complete, prompt, one.name),
        )
        for id, one in ids.items()
    ]
    about = one_line(f"{prompt.name}: {prompt.about}" if prompt.about else prompt.name, 300)
    screen = FormScreen("What this prompt needs", fields, about=about)
    written = await app.push_screen_wait(screen)
    if written is None:
        return None
    return {one.name: written[id] for id, one in ids.items() if written[id]}
