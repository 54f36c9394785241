"""Setting up this machine, and undoing it."""
