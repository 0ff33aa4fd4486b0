"""The report of a finished run: one page of figures, none of them PHI."""
