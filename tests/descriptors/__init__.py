"""Tests of the cleaning of descriptions."""
