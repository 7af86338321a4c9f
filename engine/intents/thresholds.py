"""How sure the routers must be: the numbers that a catalogue may set for itself.

The defaults were measured on the bundled telecom set, CLINC150 and BANKING77, by
`scripts/public_intents.py` and the tests of the router; each comment says what it trades.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Shares and probabilities, 0..1."""

    # A message that resembles the catalogue's examples less than all but this share of them
    # resemble their fellows is out of scope: more refuses more, of what belongs here too.
    refused: float = 0.035
    # An intent this likely is taken; a change of subject in mid-task must be as clear as that.
    clear: float = 0.5
    # Two intents this close, neither as likely as `unclear`, are put to the person.
    margin: float = 0.03
    unclear: float = 0.4
    # `cascade` keeps what the local router is this sure of from the chat model: of the 467 messages
    # of the telecom set 338, of which 98 % are right (at 0.6, 349 and as many).
    sure: float = 0.8
    # A change is proposed if the decider gives at least this probability that it was asked for;
    # else it becomes a question. Set by hand: to be fitted where a set has rows with `changes`.
    wanted: float = 0.5
    wanted_destructive: float = 0.75
