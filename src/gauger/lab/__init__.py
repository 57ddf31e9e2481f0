"""Lab: simulated traffic with the truth beside it."""
