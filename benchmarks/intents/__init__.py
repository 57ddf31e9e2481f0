"""How the intent weights are trained and judged: `python -m benchmarks.intents`."""
