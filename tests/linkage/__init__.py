"""Tests of what joins images with structured data."""
