"""Tables of the standard as generated data, and profiles."""
