"""Whole studies, as a reader of the output tree meets them."""
