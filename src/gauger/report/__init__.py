"""Report: a finding as a person reads it."""
