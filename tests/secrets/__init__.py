"""Keys, encrypted tables, and what must not leak."""
