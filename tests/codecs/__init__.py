"""Coded frames: decoded, and masked in their own syntax."""
