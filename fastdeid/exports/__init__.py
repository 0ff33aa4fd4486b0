"""Exports of a finished run for other systems, made from its manifests."""
