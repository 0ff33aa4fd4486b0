"""Structured content, graphics and references."""
