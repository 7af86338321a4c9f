"""Wording that a catalogue's files lack: phrases, questions, summaries, an evaluation set."""
