"""Engines: where tables are computed."""
