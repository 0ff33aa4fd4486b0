"""Options of PS3.15 Annex E, alone and together, and what profiles say beyond them."""
