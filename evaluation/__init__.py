"""Coding-memory conversations with questions, to measure retrieval with."""
