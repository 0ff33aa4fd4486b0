"""Siemens CSA headers: what is kept of them, and what other readers then read."""
