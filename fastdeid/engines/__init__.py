"""Engines hand out partition numbers and nothing else."""
