"""Parameters that prove who asks: documents list them among the ordinary ones.

As an argument a secret would be asked for in the chat and kept in the history.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.tools.preset_arguments import SECRET

# Names without their case and separators that are a secret wherever they stand.
_ALWAYS = frozenset(
    {
        *("apikey", "xapikey", "accesstoken", "xaccesstoken", "authtoken", "xauthtoken"),
        *("authenticationtoken", "oauthtoken", "authorizationtoken", "appkey", "appsecret"),
        *("apitoken", "xapitoken", "apisecret", "clientsecret", "sessiontoken", "bearertoken"),
    }
)
# A header with such an end is one, too, but for those that page or guard a form.
_ENDS = ("apikey", "token", "secret", "sdkkey", "accesskey")
_OTHERS = ("csrftoken", "xsrftoken", "pagetoken", "nexttoken", "continuationtoken", "synctoken")
# One with these names is, where most of the operations want it ("token" of a chat service).
_COMMON = re.compile(r".*(?:token|key|auth|secret)")
COMMON, FEWEST = 0.5, 4


def leave_out_secrets(
    operations: Sequence[dict[str, Any]],
    schemes: Sequence[Mapping[str, Any]],
    sent: Collection[tuple[str, str]],
) -> list[tuple[str, str]]:
    """Take the secrets out of the operations' arguments, and return each as (place, name).

    `sent` is what `auth` sends, by place and lower-case name. Where it sends something, all of them
    are gone, and none is returned. Otherwise they stay as optional parameters marked `SECRET`,
    which `[arguments]` may settle; who is offered the tool never sees them.
    """
    places = Counter(_place(argument) for o in operations for argument in o["arguments"])
    named = {(s.get("in"), str(s.get("name", "")).casefold()) for s in schemes if s.get("name")}
    many = max(FEWEST, COMMON * len(operations))
    secret = {
        place
        for place, count in places.items()
        if place in named or place in sent or _is_secret(*place, common=count >= many)
    }
    found: dict[tuple[str, str], None] = {}
    for operation in operations:
        own = [a for a in operation["arguments"] if _place(a) in secret]
        if not own:
            continue
        found |= dict.fromkeys((a["in"], a["as"]) for a in own)
        names = {a["name"] for a in own}
        shape = dict(operation["parameters"])
        shape["properties"] = {
            name: {**schema, SECRET: True} if name in names else schema
            for name, schema in shape["properties"].items()
            if name not in names or not sent
        }
        if "required" in shape:
            shape["required"] = [name for name in shape["required"] if name not in names]
        operation["parameters"] = shape
        if sent:
            operation["arguments"] = [a for a in operation["arguments"] if a["name"] not in names]
            operation["checks"] = {k: v for k, v in operation["checks"].items() if k not in names}
    return [] if sent else list(found)


def _place(argument: Mapping[str, Any]) -> tuple[str, str]:
    return argument["in"], argument["as"].casefold()


def _is_secret(place: str, name: str, *, common: bool) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name)
    if place == "path" or plain.endswith(_OTHERS):
        return False
    if place == "body":
        return common and _COMMON.fullmatch(plain) is not None
    if plain in _ALWAYS or (place in ("header", "cookie") and plain.endswith(_ENDS)):
        return True
    return common and _COMMON.fullmatch(plain) is not None
