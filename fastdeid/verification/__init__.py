"""Proof of a finished release, by other means than those that made it."""
