"""Burnt-in text: found in frames, masked, and nothing else touched."""
