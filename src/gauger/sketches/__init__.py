"""Sketches: what is kept of a text. Keyed, mergeable, and without a word of it."""
