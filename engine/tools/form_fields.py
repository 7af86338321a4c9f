"""The fields of a form that a tool asks the person to fill in, and what may not be asked so.

A form is a JSON Schema of an object whose properties are texts, numbers, yes or no, or choices, as
the Model Context Protocol has it (2026-07-28, elicitation, "Requested schema"). Every program
between the person and the tool can read the answers, so forms are not for secrets ("Servers MUST
NOT use form mode elicitation to request sensitive information").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from engine.tools.schema.validation import SchemaError, checker
from engine.tools.tool import InvalidArguments

MAX_FIELDS = 30
FieldKind = Literal["text", "integer", "number", "boolean", "choice", "choices"]

_YES_NO = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
# What a text can be besides, by the format's name: in words, and what refuses another one.
_FORMATS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "email": ("an e-mail address", lambda text: text.index("@", 1)),
    "uri": ("an address such as https://example.com", lambda text: text.index(":", 1)),
    "date": ("a date such as 2026-03-02", date.fromisoformat),
    "date-time": ("a date and time such as 2026-03-02T14:30:00Z", datetime.fromisoformat),
}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
# Names of secrets, without accents; a form is refused for one of these wherever it stands.
_PASSWORDS = {
    *("pwd", "kennwort", "contrasena", "senha", "wachtwoord", "haslo", "salasana"),
    *("losenord", "пароль", "mot de passe", "seed phrase", "recovery phrase", "ssh key"),
}
# Written apart, together or as parts of longer words.
_TOGETHER = (
    *("password", "passwort", "passwd", "passphrase", "passcode", "apikey", "apitoken"),
    *("accesstoken", "authtoken", "bearertoken", "refreshtoken", "clientsecret", "secretkey"),
    *("accesskey", "privatekey", "creditcard", "cardnumber", "securitycode", "onetimecode"),
)
# And for one of these where it names a field.
_SECRETS = _PASSWORDS | {
    *("token", "secret", "credential", "credentials", "pin", "otp", "totp", "cvv", "cvc", "tan"),
    *("bearer", "jwt", "mnemonic", "verification code", "recovery code", "auth code", "токен"),
    *("authentication code", "authorization code", "2fa code", "mfa code", "parola"),
}
_UNSPACED = ("密码", "密碼", "密钥", "口令", "验证码", "パスワード", "暗証番号", "비밀번호")


class FormRefused(Exception):
    """A form that the person is not asked to fill in: why, in words for them."""


@dataclass(frozen=True)
class FormField:
    """One value of a form. `choices` maps what is sent to how it is called."""

    name: str
    label: str
    kind: FieldKind
    about: str = ""
    required: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    default: Any = None
    format: str = ""

    @property
    def hint(self) -> str:
        """What can be written, in words."""
        listed = ", ".join(self.choices.values())
        return {
            "text": _FORMATS[self.format][0] if self.format else "text",
            "integer": "a whole number",
            "number": "a number",
            "boolean": "yes or no",
            "choice": f"one of {listed}",
            "choices": f"some of {listed}, with commas between them",
        }[self.kind]

    def written(self, value: Any) -> str:
        """Return a value as the person would write it."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return ", ".join(self.choices.get(str(item), str(item)) for item in value)
        return self.choices.get(str(value), str(value))

    def read(self, text: str) -> Any:
        """Return the value that was written. Raises `ValueError` in words."""
        try:
            return self._read(text.strip())
        except (KeyError, ValueError):
            raise ValueError(f"{self.label} should be {self.hint}.") from None

    def _read(self, text: str) -> Any:
        match self.kind:
            case "integer":
                return int(text)
            case "number":
                return int(text) if text.lstrip("-").isdecimal() else float(text)
            case "boolean":
                return _YES_NO[text.casefold()]
            case "choice":
                return self._choice(text)
            case "choices":
                return self._several(text.split(","))
        if self.format:
            _FORMATS[self.format][1](text)
        return text

    def _several(self, parts: list[str]) -> list[str]:
        """Split a list into the choices it names; some have commas in their names."""
        chosen: list[str] = []
        while parts:
            for end in range(len(parts), 0, -1):
                try:
                    chosen.append(self._choice(",".join(parts[:end]).strip()))
                except KeyError:
                    continue
                parts = parts[end:]
                break
            else:
                if parts[0].strip():
                    raise KeyError(parts[0])
                parts = parts[1:]
        return chosen

    def _choice(self, text: str) -> str:
        if text in self.choices:
            return text
        named = {title.casefold(): value for value, title in self.choices.items()}
        return named[text.casefold()]


def fields_of(message: str, form: Mapping[str, Any]) -> tuple[FormField, ...]:
    """Return the fields of a form with this message above it. Raises `FormRefused`."""
    properties = form.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        properties = {}
    if len(properties) > MAX_FIELDS:
        raise FormRefused(f"it has more than {MAX_FIELDS} fields")
    try:
        checker(form)
    except SchemaError as error:
        raise FormRefused(f"{error}") from None
    needed = form.get("required")
    required = needed if isinstance(needed, list) else []
    fields = tuple(_field(str(n), s, required=n in required) for n, s in properties.items())
    _refuse_secrets(message, fields, properties)
    return fields


def missing_fields(fields: Iterable[FormField], values: Mapping[str, Any]) -> tuple[FormField, ...]:
    """Return the fields that are needed and have no value yet."""
    return tuple(one for one in fields if one.required and one.name not in values)


def values_of(
    form: Mapping[str, Any], fields: Iterable[FormField], written: Mapping[str, str]
) -> dict[str, Any]:
    """Return what was written as the form's values, without empty fields.

    Raises `InvalidArguments`, with the names of the fields concerned.
    """
    values: dict[str, Any] = {}
    for one in fields:
        if not written.get(one.name, "").strip():
            if one.required:
                raise InvalidArguments((f"{one.label} is needed.",), frozenset({one.name}))
            continue
        try:
            values[one.name] = one.read(written[one.name])
        except ValueError as error:
            raise InvalidArguments((str(error),), frozenset({one.name})) from None
    return dict(checker(form)(values))


def _field(name: str, schema: Any, *, required: bool) -> FormField:
    if not isinstance(schema, Mapping):
        raise FormRefused(f"its field {name} is not described")
    kind, choices = _kind(schema)
    if kind is None:
        raise FormRefused(f"its field {name} is neither text, a number, yes or no, nor a choice")
    title, about = schema.get("title"), schema.get("description")
    format = str(schema.get("format"))
    return FormField(
        name,
        title if isinstance(title, str) and title.strip() else name,
        kind,
        about if isinstance(about, str) else "",
        required,
        choices,
        _default(schema),
        format if kind == "text" and format in _FORMATS else "",
    )


def _default(schema: Mapping[str, Any]) -> Any:
    """Return the value that the tool suggests, if it is one."""
    value = schema.get("default")
    try:
        checker({"type": "object", "properties": {"it": schema}})({"it": value})
    except (SchemaError, InvalidArguments):
        return None
    return value


def _kind(schema: Mapping[str, Any]) -> tuple[FieldKind | None, Mapping[str, str]]:
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, Mapping):
        listed = _choices(items)
        return ("choices" if listed else None), listed
    if listed := _choices(schema):
        return "choice", listed
    kinds: dict[Any, FieldKind] = {
        "string": "text",
        "integer": "integer",
        "number": "number",
        "boolean": "boolean",
    }
    kind = schema.get("type")
    return (kinds.get(kind) if isinstance(kind, str) else None), {}


def _choices(schema: Mapping[str, Any]) -> dict[str, str]:
    """Values and their titles, in either of the forms that the protocol has had."""
    for keyword in ("oneOf", "anyOf"):
        listed = schema.get(keyword)
        if isinstance(listed, list):
            each = [one for one in listed if isinstance(one, Mapping)]
            return {
                one["const"]: str(one.get("title") or one["const"])
                for one in each
                if isinstance(one.get("const"), str)
            }
    values = schema.get("enum")
    if not isinstance(values, list):
        return {}
    names = schema.get("enumNames")
    titles = names if isinstance(names, list) and len(names) == len(values) else values
    return {v: str(t) for v, t in zip(values, titles, strict=True) if isinstance(v, str)}


def _refuse_secrets(
    message: str, fields: Iterable[FormField], properties: Mapping[str, Any]
) -> None:
    """Raise `FormRefused` where something secret could be written into a field on request."""
    for one in fields:
        if one.kind in ("boolean", "choice", "choices"):
            continue
        schema = properties[one.name]
        hidden = schema.get("format") == "password" or schema.get("writeOnly") is True
        # Prose also says what not to give: there, only what is hardly said otherwise counts.
        asked = _named((one.name, one.label), _SECRETS) or _named((one.about, message), _PASSWORDS)
        if hidden or asked:
            raise FormRefused(
                f"it asks for a secret ({asked or one.label}) in a form, where others could read "
                "it: a secret belongs on the page of its service, or into .env"
            )


def _named(texts: Iterable[str], secrets: Iterable[str]) -> str:
    """Return the first of the `secrets` that occurs in a text as words, or nothing."""
    for text in texts:
        decomposed = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text)).casefold()
        plain = "".join(c for c in decomposed if not unicodedata.combining(c))
        padded = f" {' '.join(_WORD.findall(plain))} "
        for secret in sorted(secrets):
            if f" {secret} " in padded:
                return secret
        joined = padded.replace(" ", "")
        composed = unicodedata.normalize("NFKC", text)
        for secret in (*_TOGETHER, *_UNSPACED):
            if secret in joined or secret in composed:
                return secret
    return ""
