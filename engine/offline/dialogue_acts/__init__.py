"""Dialogue acts: what a message does, such as ordering, asking or refusing."""
