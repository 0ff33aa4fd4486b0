"""What instances are published with: the target tree, the memo, markers and file meta."""
