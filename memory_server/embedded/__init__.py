"""PostgreSQL and Valkey from Python packages, for a machine that has neither.

Standard library only: the supervisor and the tests use this before Django is there.
"""
