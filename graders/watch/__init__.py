"""Grading again on every save: a pure state machine, its screens, and the loop around them."""
