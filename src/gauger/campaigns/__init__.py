"""Campaigns: grouping, calibration, membership, tracking, and the dossier of a finding."""
