"""Compiled kernels: arrays and numbers only."""
