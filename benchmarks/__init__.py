"""Reproducible runs and their recorded results."""
