from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.export.secret_masking import mask, masked
from tests.storage.test_export import KEY


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "ghp_" + "a1" * 18,
        "glpat-" + "a1" * 10,
        "sk_live_0123456789ab",
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "xoxb-1234567890-abcdefghij",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4",
        "Bearer abcdefghijklmnopqrst",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        'api_key="abcd1234"',
    ],
)
def test_what_looks_like_a_secret_is_masked(secret: str) -> None:
    assert secret not in mask(f"it is {secret} you see")
    assert "***" in mask(secret)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("AZURE_OPENAI_API_KEY=0123456789ab", "AZURE_OPENAI_API_KEY=***"),
        ("export OPENAI_KEY='0123 4567'; ls", "export OPENAI_KEY='***'; ls"),
        ('api_key: "abc def", x', 'api_key: "***", x'),
        ("apiKey => abcdef", "apiKey => ***"),
        ("token=abc123456 and so on", "token=*** and so on"),
        ("password: correct horse\nbattery", "password: ***\nbattery"),
        ("**Password:** correct horse", "**Password:** ***"),
        ("my password hunter3, please", "my password ***, please"),
        ("my password is swordfish.", "my password is ***."),
        ("change the pwd to Hunter3!", "change the pwd to ***!"),
        ("passcode 482913", "passcode ***"),
        ("Your password:\nhunter3", "Your password:\n***"),
        ("DB_PWD=hunter", "DB_PWD=***"),
        ("my PIN is 1234", "my PIN is ***"),
        ('{"pin": 1234, "password": "a b", "n": 1}', '{"pin": ***, "password": "***", "n": 1}'),
        ("postgres://u:secretpw@h/db", "postgres://u:***@h/db"),
        ("https://u:p@ss@h/ x@y", "https://u:***@h/ x@y"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***"),
    ],
)
def test_a_secret_that_is_named_is_masked(said: str, written: str) -> None:
    assert mask(said) == written


NAMES = ("password", "Passwd", "DB_PWD", "passcode", "api key", "API_KEY", "client_secret", "token")
LETTERS = st.characters(codec="ascii", categories=("Ll", "Lu"))
ODD = st.text(LETTERS, min_size=3, max_size=12).map(lambda word: f"Q{word}7Z")


@given(
    before=st.text(max_size=20),
    name=st.sampled_from(NAMES),
    sign=st.sampled_from(["=", ": ", " = ", '": "', "='", ":** "]),
    secret=ODD,
)
def test_a_value_behind_any_name_is_masked(before: str, name: str, sign: str, secret: str) -> None:
    text = mask(f"{before} {name}{sign}{secret}")
    assert secret not in text
    assert mask(text) == text


WORDS = (
    *("my", "password", "token", "was", "the", "secret", "what", "a", "PIN", "key", "invoice"),
    *("wrong", "of", "to", "not", "reset", "api", "passcode", "work", "20", "Please", "and"),
)


@given(text=st.lists(st.sampled_from(WORDS)).map(" ".join))
@example(text="my password was wrong.")
@example(text="what is a token?")
@example(text="my password is wrong and the secret is not valid.")
@example(text="the input tokens: 1234, invalid token: expired.")
@example(text="see https://example.com:80/password and the topping: 12345678")
@example(text="bearer authentication, basic understanding, a pin-code field")
def test_ordinary_words_stay(text: str) -> None:
    assert mask(text) == text


def test_a_value_is_masked_by_its_name() -> None:
    data = {
        "password": 12345678,
        "client_secret": "y",
        "amount": "20",
        "n": [{"apiKey": "z", "shipping": 4}],
        "newPin": 1234,
        "auth": {"token": ["aaaabbbb"]},
        "input_tokens": 7,
        "secret": None,
        "has_password": True,
    }
    assert masked(data, str) == {
        "password": "***",
        "client_secret": "***",
        "amount": "20",
        "n": [{"apiKey": "***", "shipping": 4}],
        "newPin": "***",
        "auth": {"token": "***"},
        "input_tokens": 7,
        "secret": None,
        "has_password": True,
    }


def test_what_is_no_secret_stays() -> None:
    text = "Put 20 dollars on my balance, secretly: invoice INV-2026-00042, sk-ip a word"
    assert mask(text) == text
