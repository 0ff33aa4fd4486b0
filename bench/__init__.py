"""Measurements against `cp -r` and against a pydicom loop."""
