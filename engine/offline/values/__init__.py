"""Readers of values, one for each type that a parameter may have."""
