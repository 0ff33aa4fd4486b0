"""Tests of the proof of a release."""
