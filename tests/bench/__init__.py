"""Tests of the benchmark and of the demo."""
