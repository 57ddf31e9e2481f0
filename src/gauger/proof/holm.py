"""Holm's correction: one error rate for suspects x keys x methods.

Source: Holm, "A simple sequentially rejective multiple test procedure" (1979). Valid under any dependence.
"""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the order given: rejecting those at most a errs at all with probability <= a."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(one) for one in adjusted]
