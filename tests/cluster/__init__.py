"""Clusters: shares, batch systems, other schedulers."""
