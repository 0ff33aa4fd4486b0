"""Tests of compiled profiles."""
