"""Signing in to a server: once, by a command, with tokens that nobody else can read."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine import paths
from engine.tools.mcp import load_mcp
from engine.tools.mcp.sign_in import SignInError, TokenFile, sign_in
from engine.tools.source import Source
from tests.engine.tools.mcp.desk import run
from tests.engine.tools.mcp.guarded import Desk, guarded


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Desk]]:
    with guarded() as found:
        yield found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "data")
    return tmp_path / "data"


def browse(page: str) -> None:
    """Sign in on the page, as a person's browser would."""
    threading.Thread(target=lambda: httpx2.get(page, follow_redirects=True), daemon=True).start()


async def load(url: str, **table: Any) -> Source:
    return load_mcp("vault", {"url": url, "timeout_s": 30, **table}, Path())


async def close(source: Source) -> None:
    assert source.close is not None
    await source.close()


async def test_without_signing_in_the_command_for_it_is_said(server: tuple[str, Desk]) -> None:
    url, desk = server
    desk.log.clear()
    source = await load(url)
    assert source.problems[0].endswith(f"it wants you to sign in: intentbot-tui login {url}")
    assert desk.log == []  # nothing was registered without the person


async def test_who_signed_in_is_let_in_and_the_tokens_stay_private(
    server: tuple[str, Desk], folder: Path
) -> None:
    url, desk = server
    desk.log.clear()
    await sign_in(url, browse)
    assert desk.log == ["register", "authorize", f"exchange {url}"]
    (kept,) = (folder / "sign-ins").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    source = await load(url)
    assert source.problems == ()
    said = await run(source, "leak")
    assert "access-" not in str(said)  # what a server repeats of them is masked
    assert desk.log == ["register", "authorize", f"exchange {url}"]
    await close(source)


async def test_old_tokens_are_renewed_and_kept(server: tuple[str, Desk]) -> None:
    url, desk = server
    await sign_in(url, browse)
    file = TokenFile(url)
    data = json.loads(file.path.read_text())
    before = data["tokens"]["access_token"]
    file.path.write_text(json.dumps({**data, "expires_at": 1.0}))
    desk.log.clear()
    source = await load(url)
    assert source.problems == ()
    assert desk.log == ["refresh"]
    assert json.loads(file.path.read_text())["tokens"]["access_token"] != before
    await close(source)


async def test_tokens_that_are_void_ask_to_sign_in_again(server: tuple[str, Desk]) -> None:
    url, desk = server
    await sign_in(url, browse)
    desk.revoke()
    desk.log.clear()
    source = await load(url)
    assert "it wants you to sign in: intentbot-tui login" in source.problems[0]
    assert "authorize" not in desk.log


async def test_tokens_are_for_their_address_alone(server: tuple[str, Desk]) -> None:
    url, _ = server
    await sign_in(url, browse)
    other = TokenFile(f"{url}/other")
    other.path.write_text(TokenFile(url).path.read_text())
    assert await other.get_tokens() is None


@pytest.mark.parametrize("url", ["http://example.com/mcp", "ftp://x/", "no address"])
async def test_tokens_are_not_sent_unencrypted(url: str) -> None:
    with pytest.raises(SignInError):
        await sign_in(url, browse)


async def test_another_state_is_not_taken(server: tuple[str, Desk]) -> None:
    """Somebody else's code must not become this person's tokens."""

    def forge(page: str) -> None:
        way_back = httpx2.URL(page).params["redirect_uri"]
        forged = f"{way_back}?code=stolen&state=other"
        threading.Thread(target=lambda: httpx2.get(forged), daemon=True).start()

    url, _ = server
    with pytest.raises(SignInError, match="cannot be used"):
        await sign_in(url, forge)
    assert await TokenFile(url).get_tokens() is None
