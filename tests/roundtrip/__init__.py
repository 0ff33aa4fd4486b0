"""Data sets through reader, decision and assembly, and back."""
