"""Break each line that protects people, one at a time, and show that a test turns red.

    python -m scripts.mutate_safety [NAME ...]

Works on a copy of the tracked files in a temporary folder. First the named tests must pass as they
are; then each mutation replaces one passage, and its tests must fail. Prints a line per mutation
and exits with 1 if one survives. `SECURITY.md` refers to the names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS_FAILED = 1  # pytest's exit code
LIMIT_S = 300


@dataclass(frozen=True)
class Mutation:
    """Replace `before`, which occurs once in `file`, by `after`; `tests` must notice."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "offered-set",
        "engine/turn.py",
        "await self._executor.execute(calls, offered, intent.key)",
        "await self._executor.execute(\n"
        "                calls, {t.name: t for t in self._catalogue.tools}, intent.key\n"
        "            )",
        ("tests/engine/test_assistant.py", "tests/engine/routing/test_offering.py"),
    ),
    Mutation(
        "fingerprint",
        "engine/tools/executor.py",
        "            if action.fingerprint != asked:\n                return",
        "            if False:\n                return",
        ("tests/engine/tools/test_effective_arguments.py",),
    ),
    Mutation(
        "no-secret-in-a-form",
        "engine/tools/form_fields.py",
        "        if hidden or asked:\n",
        "        if False:\n",
        ("tests/engine/tools/test_form_fields.py",),
    ),
    Mutation(
        "doubles-in-a-reply",
        "engine/tools/executor.py",
        "        _refuse_doubles(actions)\n",
        "",
        ("tests/engine/tools/test_effective_arguments.py", "tests/engine/test_assistant.py"),
    ),
    Mutation(
        "repeated-by-flag",
        "engine/tools/executor.py",
        'if (repeated or doubted) and answer.decision == "approved" and answer.by != "person":',
        "if False:",
        ("tests/engine/test_assistant.py", "tests/engine/tools/test_effective_arguments.py"),
    ),
    Mutation(
        "nothing-made-up",
        "engine/change_check.py",
        "        if unsaid:\n            return await self._question(change, unsaid)\n",
        "",
        ("tests/engine/test_change_check.py",),
    ),
    Mutation(
        "wanted-before-proposed",
        "engine/change_check.py",
        "        if unclear and not put:\n",
        "        if False:\n",
        ("tests/engine/test_change_check.py",),
    ),
    Mutation(
        "started-before-run",
        "engine/tools/executor.py",
        "        await self.emit(ToolStarted(call_id=action.call.id, action_id=action.id))\n"
        "        started",
        "        self.emit(ToolStarted(call_id=action.call.id, action_id=action.id)).close()\n"
        "        started",
        ("tests/storage/test_durable.py",),
    ),
    Mutation(
        "write-ahead-commit",
        "storage/recorder.py",
        "durable = any(isinstance(event, ToolStarted) for event in batch)",
        "durable = False",
        ("tests/storage/test_durable.py",),
    ),
    Mutation(
        "unknown-after-a-crash",
        "engine/turn_log.py",
        'return state == "started" and effect != "read"',
        "return False",
        ("tests/storage/test_recovery.py",),
    ),
    Mutation(
        "hand-over-guard",
        "engine/turn.py",
        "if target and not self._switched and not self._called:",
        "if target and not self._switched:",
        ("tests/engine/test_turn_bounds.py",),
    ),
    Mutation(
        "policy-destructive",
        "engine/tools/approval_policy.py",
        'wary = effect == "destructive" or',
        "wary =",
        ("tests/engine/tools/test_approval_policy.py",),
    ),
    Mutation(
        "policy-limit",
        "engine/tools/approval_policy.py",
        "    if policy.exceeded(arguments):\n",
        "    if False:\n",
        (
            "tests/engine/tools/test_approval_policy.py",
            "tests/engine/tools/test_effective_arguments.py",
        ),
    ),
    Mutation(
        "policy-negative-amount",
        "engine/tools/approval_policy.py",
        "return 0 <= Decimal(written) <= Decimal(str(limit))",
        "return Decimal(written) <= Decimal(str(limit))",
        ("tests/engine/tools/test_effective_arguments.py",),
    ),
    Mutation(
        "taint-of-the-session",
        "engine/turn.py",
        "tainted=self._has_read_strangers(),",
        "tainted=False,",
        ("tests/engine/test_taint.py",),
    ),
    Mutation(
        "destructive-needs-its-own-flag",
        "tui/commands/ask.py",
        "yes = self._yes_destructive if destructive else self._yes",
        "yes = self._yes",
        ("tests/end_to_end/test_approval.py",),
    ),
    Mutation(
        "nothing-hidden-in-a-question",
        "engine/text.py",
        '    return "".join(map(_visible, text))',
        "    return strip_controls(text)",
        ("tests/engine/test_text.py", "tests/tui/test_question.py"),
    ),
    Mutation(
        "pattern-guard",
        "engine/tools/schema/patterns.py",
        "    except TimeoutError:\n        raise MatchTimeout(pattern) from None\n",
        "    except TimeoutError:\n        return True\n",
        (
            "tests/engine/tools/schema/test_patterns.py::test_a_match_that_would_not_end_is_given_up",
        ),
    ),
    Mutation(
        "redaction",
        "engine/redaction.py",
        "        text = text.replace(secret, MASK)",
        "        text = text.replace(secret, secret)",
        ("tests/engine/test_settings.py", "tests/engine/llm/test_openai_model.py"),
    ),
    Mutation(
        "paste-filter",
        "tui/terminal/input.py",
        "            found.append([events.Paste(earlier + text)])",
        "            found.append(self._keys(earlier + text))",
        ("tests/tui/test_terminal_input.py",),
    ),
    Mutation(
        "report-filter",
        "tui/terminal/input.py",
        "found.append(None if _STRING.match(unit) else self._decode(unit))",
        "found.append([k for c in unit for k in self._keys(c)])",
        ("tests/tui/test_terminal_input.py",),
    ),
    Mutation(
        "burst-answers-nothing",
        "tui/terminal/key_queue.py",
        "    return hasattr(key, _MARK)",
        "    return False",
        ("tests/tui/test_bursts.py",),
    ),
    Mutation(
        "finish-reasons",
        "engine/llm/stream.py",
        "            if reason not in known:",
        "            if False:",
        ("tests/engine/llm/test_dialects.py",),
    ),
    Mutation(
        "length-runs-nothing",
        "engine/llm/stream.py",
        '        if reason == "length":\n            if in_call:',
        "        if False:\n            if in_call:",
        ("tests/engine/llm/test_dialects.py", "tests/engine/llm/test_stream.py"),
    ),
    Mutation(
        "folder-trust",
        "engine/env_file.py",
        '    trusted = decision == "trusted"\n    values',
        "    trusted = True\n    values",
        ("tests/engine/test_env_file.py", "tests/end_to_end/test_trust.py"),
    ),
    Mutation(
        "key-and-endpoint",
        "engine/server.py",
        "if not endpoint.own and key is not None and key.own:",
        "if False:",
        ("tests/engine/test_misdirected_keys.py",),
    ),
    Mutation(
        "unencrypted-key",
        "engine/server.py",
        'if key is not None and parts.scheme == "http" and not is_loopback(host):',
        "if False:",
        ("tests/engine/test_misdirected_keys.py",),
    ),
    Mutation(
        # One line here stands for three: the option, the variable and the folder of the child.
        "safe-path-of-a-child",
        "engine/llm/llama_server.py",
        "            *self._command,\n            stdin=PIPE,\n            stdout=PIPE,\n"
        "            stderr=DEVNULL,\n            cwd=PACKAGE,\n"
        "            env=child_environment(os.environ),\n",
        '            *(part for part in self._command if part != "-P"),\n            stdin=PIPE,\n'
        "            stdout=PIPE,\n            stderr=DEVNULL,\n",
        ("tests/end_to_end/test_working_folder.py",),
    ),
    Mutation(
        "commands-are-not-messages",
        "engine/turn.py",
        "        if self._is_command:\n",
        "        if False:\n",
        ("tests/engine/test_typed_input.py",),
    ),
    Mutation(
        "redirects-stay",
        "engine/llm/client.py",
        "follow_redirects=False",
        "follow_redirects=True",
        ("tests/engine/llm/test_dialect_answers.py", "tests/engine/test_settings.py"),
    ),
)


def main(names: Sequence[str]) -> int:
    chosen = [m for m in MUTATIONS if not names or m.name in names]
    if unknown := set(names) - {m.name for m in MUTATIONS}:
        print(f"unknown mutation: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        _copy_tracked(copy)
        tests = sorted({test for mutation in chosen for test in mutation.tests})
        code, output = _run(copy, tests, limit_s=None)
        if code != 0:
            print(output, file=sys.stderr)
            print("the tests fail before anything was broken", file=sys.stderr)
            return 1
        survivors = [m.name for m in chosen if not _noticed(copy, m)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutations noticed")
    return 1 if survivors else 0


def _noticed(copy: Path, mutation: Mutation) -> bool:
    path = copy / mutation.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutation.before) != 1:
        print(f"{mutation.name}: {mutation.file} does not have its line once", file=sys.stderr)
        return False
    path.write_text(source.replace(mutation.before, mutation.after), encoding="utf-8")
    try:
        code, _ = _run(copy, mutation.tests, limit_s=LIMIT_S)
    finally:
        path.write_text(source, encoding="utf-8")
    print(f"{'noticed ' if code == TESTS_FAILED else 'SURVIVED'}  {mutation.name}", flush=True)
    return code == TESTS_FAILED


def _run(copy: Path, tests: Sequence[str], *, limit_s: int | None) -> tuple[int, str]:
    """Return pytest's exit code and output.

    A run that takes longer than `limit_s` counts as failed: somebody would notice that it hangs.
    """
    # Child processes of the tests import the copy, too.
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=copy,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return TESTS_FAILED, ""
    return done.returncode, done.stdout


def _copy_tracked(copy: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
