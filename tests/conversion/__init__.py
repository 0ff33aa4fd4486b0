"""Runs: plan, partitions, finalise."""
