"""Tests of what replaces a value, and of what is searched for because of it."""
