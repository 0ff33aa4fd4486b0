"""Private elements: what is kept of them, and where their originals would show."""
