"""Gauger finds distillation campaigns in model API logs, with a stated false-alarm rate."""
