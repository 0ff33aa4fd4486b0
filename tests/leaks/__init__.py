"""Planted identifying values: none in any output byte, and what stands near them stays."""
