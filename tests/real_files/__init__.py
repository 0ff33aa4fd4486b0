"""Every real file at hand: verdicts, what other readers say, what stayed and what went."""
