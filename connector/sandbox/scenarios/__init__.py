"""The stories that the sandbox can tell."""
