"""A `.env` is read within bounds, and without trust it says only what anybody may say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine import env_file, paths, trust
from engine.env_file import FREE, MAX_BYTES, EnvFile, EnvFileError


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def read(folder: Path, text: str, **environ: str) -> EnvFile:
    (folder / ".env").write_text(text)
    file = env_file.read(folder, environ)
    assert file is not None
    return file


def test_what_names_code_or_data_is_withheld_until_trusted(folder: Path) -> None:
    text = (
        "INTENTBOT_CATALOG=./c\nINTENTBOT_DB=x.db\nINTENTBOT_LATER=1\nOPENAI_API_KEY=k\nTOKEN=t\n"
    )
    file = read(folder, text)
    assert set(file.withheld) == {"INTENTBOT_CATALOG", "INTENTBOT_DB", "INTENTBOT_LATER"}
    assert (file.values, file.others) == ({"OPENAI_API_KEY": "k"}, {"TOKEN": "t"})
    file.decide("trusted")
    file = read(folder, text)
    assert not file.withheld
    assert file.values["INTENTBOT_CATALOG"] == "./c"


@given(name=st.from_regex(r"[A-Z][A-Z_]{0,20}", fullmatch=True), ours=st.booleans())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_listed_names_are_settings_without_trust(name: str, ours: bool, folder: Path) -> None:
    name = f"INTENTBOT_{name}" if ours else name
    file = read(folder, f"{name}=value\n")
    assert (name in file.values) == (name in FREE)


def test_it_cannot_carry_the_environment_along(folder: Path) -> None:
    """An endpoint with the person's key in its path would send the key there."""
    text = (
        "HOST=elsewhere\nOPENAI_BASE_URL=http://${HOST}/${AWS_SECRET}\n"
        "INTENTBOT_AGENT_MODEL=${OTHER:-x}\nAZURE_OPENAI_ENDPOINT=http://${HOST}/v1\n"
        "INDIRECT=${AWS_SECRET}\nOPENAI_API_KEY=a${INDIRECT}\n"
    )
    file = read(folder, text, AWS_SECRET="secret")
    assert file.values == {"AZURE_OPENAI_ENDPOINT": "http://elsewhere/v1"}
    assert set(file.withheld) == {"OPENAI_BASE_URL", "INTENTBOT_AGENT_MODEL", "OPENAI_API_KEY"}
    assert "secret" not in repr((file.values, file.withheld, file.others))
    file.decide("trusted")
    file = read(folder, text, AWS_SECRET="secret")
    assert file.values["OPENAI_BASE_URL"] == "http://elsewhere/secret"
    assert file.values["OPENAI_API_KEY"] == "asecret"


def test_trust_ends_with_a_change_and_holds_for_this_folder_only(
    folder: Path, tmp_path: Path
) -> None:
    text = "INTENTBOT_CATALOG=./c\n"
    read(folder, text).decide("trusted")
    assert read(folder, text).trusted
    assert not read(folder, text + "#\n").trusted
    assert read(folder, text).trusted  # the decision was on these bytes
    other = tmp_path / "copy"
    other.mkdir()
    assert not read(other, text).trusted
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert read(link, text).trusted


def test_decisions_are_private_and_can_be_taken_back(folder: Path, tmp_path: Path) -> None:
    read(folder, "A=b\n").decide("ignored")
    read(folder, "A=b\n").decide("trusted")
    kept = list((tmp_path / "data" / "trusted").iterdir())
    assert [path.stat().st_mode & 0o777 for path in (kept[0].parent, *kept)] == [0o700, 0o600]
    assert [(r.folder, r.decision) for r in trust.records()] == [(str(folder), "trusted")]
    assert trust.forget(folder)
    assert not trust.forget(folder)
    assert not trust.records()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"folder": 1}', b"\xff"])
def test_a_broken_record_is_no_trust(content: bytes, folder: Path, tmp_path: Path) -> None:
    read(folder, "A=b\n").decide("trusted")
    (path,) = (tmp_path / "data" / "trusted").iterdir()
    path.write_bytes(content)
    assert not read(folder, "A=b\n").trusted
    assert not trust.records()


def test_what_is_no_file_of_settings_is_said_at_once(folder: Path) -> None:
    path = folder / ".env"
    assert env_file.read(folder, {}) is None
    path.mkdir()  # a virtual environment
    assert env_file.read(folder, {}) is None
    path.rmdir()
    os.mkfifo(path)  # nobody writes: reading it would wait forever
    with pytest.raises(EnvFileError, match="not a regular file"):
        env_file.read(folder, {})
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(EnvFileError, match="not a regular file"):
        env_file.read(folder, {})
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(EnvFileError, match="cannot be read"):
        env_file.read(folder, {})
    path.unlink()
    for content in (b"A=" + b"x" * MAX_BYTES, b"A=\0", b"A=\xff"):
        path.write_bytes(content)
        with pytest.raises(EnvFileError):
            env_file.read(folder, {})
