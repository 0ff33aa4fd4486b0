"""Train the text detector's net: burnt-in text drawn over clean pictures and phantoms."""
