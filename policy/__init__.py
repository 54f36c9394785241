"""What an assistant may do how often: allow a call, make it smaller, or deny it."""
