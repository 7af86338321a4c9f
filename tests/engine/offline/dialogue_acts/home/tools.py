"""A house: lights, heating and a front door."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.tools.function import effect

Degrees = Annotated[float, Field(json_schema_extra={"x-units": ["degree", "degrees"]})]


@effect("read")
def get_lights() -> str:
    """Say whether the lights are on."""
    return "The lights are off."


@effect("write")
def switch_lights(state: Literal["on", "off"]) -> str:
    """Switch the lights on or off."""
    return f"The lights are {state}."


@effect("read")
def get_temperature() -> str:
    """Say how warm it is, and what the heating is set to."""
    return "It is 19 degrees."


@effect("write")
def set_temperature(degrees: Degrees) -> str:
    """Set the heating to a temperature."""
    return f"Set to {degrees} degrees."


@effect("read")
def get_door() -> str:
    """Say whether the front door is locked."""
    return "The door is locked."


@effect("write")
def lock_door() -> str:
    """Lock the front door."""
    return "Locked."


@effect("destructive")
def unlock_door() -> str:
    """Unlock the front door."""
    return "Unlocked."
