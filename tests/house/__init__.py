"""Tests of the house itself: layers, kernel rules, packaging, the README."""
