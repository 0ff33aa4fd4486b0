"""The reader of PS3.5 and PS3.10 bytes; every byte can be checked against the standard."""
