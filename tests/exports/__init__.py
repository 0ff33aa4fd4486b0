"""Tests of exports for other systems."""
