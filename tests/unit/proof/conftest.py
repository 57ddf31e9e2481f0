"""What tests of p-values share."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom


@pytest.fixture(scope="session")
def assert_super_uniform() -> Callable[..., None]:
    """Fail where p-values of a true null fall at or below a level more often than chance explains."""

    def check(p_values, levels=(0.001, 0.01, 0.05, 0.1, 0.2, 0.5)) -> None:
        p_values = np.asarray(p_values)
        for level in levels:
            hits = int((p_values <= level).sum())
            assert binom.sf(hits - 1, len(p_values), level) > 1e-4, (level, hits / len(p_values))

    return check
