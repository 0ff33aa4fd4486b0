"""Faults put in on purpose, and what a run makes of them. `make faults` is the long form."""
