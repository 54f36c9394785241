"""Keeping an installation alive: backups, health, what is wrong and how to mend it."""
