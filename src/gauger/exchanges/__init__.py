"""Exchanges: the canonical schema, its validation, and pseudonyms."""
