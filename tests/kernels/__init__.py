"""Every kernel against its plain twin."""
