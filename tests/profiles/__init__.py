"""Tests of the generated tables of the standard."""
