"""Tests of burnt-in text: finding it, masking it, and touching nothing else."""
