"""Judges: answers scored against a rubric, what went wrong kept as a state and never as a number."""
