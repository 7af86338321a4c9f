"""What is shown, as asciicast v2."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.terminal.cast import CastRecorder


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(), max_size=5))
def test_what_was_sent_is_in_the_recording_in_order(sent: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.cast"
        times = iter(range(1000))
        recorder = CastRecorder(path, 80, 24, clock=lambda: next(times) / 2)
        for data in sent:
            recorder.output(data)
        recorder.resize(100, 30)
        recorder.close()
        recorder.output("after the end")
        header, *events = map(json.loads, path.read_text("utf-8").split("\n")[:-1])
        assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
        assert [data for _, kind, data in events if kind == "o"] == sent
        assert events[-1][1:] == ["r", "100x30"]
        assert [at for at, *_ in events] == [n / 2 for n in range(1, len(events) + 1)]
        assert path.stat().st_mode & 0o777 == 0o600
