"""Looking more than once: evidence that may be read after every batch of answers, and stopped at.

At each look, all answers so far are tested by other keys and the ranks are turned into an e-value: a number with mean
at most 1 under the null. One may not multiply those of different looks: the key is the same in each, so a suspect that
says the same again would be counted again (and the p-values of batches are dependent even for fresh words where
contexts come back). Their sum with weights fixed beforehand, which add up to one, is an e-value whatever the
dependence; it only grows, so by Markov's inequality it ever reaches 1/a with probability a at most. One may stop, or go
on, as one likes.

Sources: Ren and Barber, "Derandomised knockoffs: leveraging e-values" (2024) and Ramdas et al., "Game-theoretic
statistics and safe anytime-valid inference" (2023) for e-values by ranks and their averages; the weights are ours.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: How steeply a key that stands out is paid, in standard deviations. The mean over several does well for weak
#: and strong.
STEEPNESS: Final = (1.0, 2.0, 4.0, 8.0)


def e_value(observed: float, totals: Floats) -> float:
    """Return the e-value of one look: the observed key's share of what all keys are paid, times their number.

    Exact when the observed key and the K others are exchangeable, as the mean over all K + 1 keys is 1. At most K + 1.

    Parameters
    ----------
    observed
        The sum under the key in question.
    totals
        float64[K], the sums under other keys on the same cells.
    """
    everybody = np.append(totals, observed)
    spread = float(everybody.std())
    if spread == 0:
        return 1.0
    # Mean and spread are over all keys alike, so that no key is treated apart.
    standing = (everybody - everybody.mean()) / spread
    return float(np.mean([_share(steepness * standing) for steepness in STEEPNESS]))


def weight_of_look(look: int) -> float:
    """Return the weight of the look-th look, from 1: they add up to one over all looks there could be."""
    return 1 / (look * (look + 1))


@dataclass(frozen=True, slots=True)
class Looks:
    """What the looks so far have brought together; `value` is an e-value at any time.

    Attributes
    ----------
    n_looks
        Looks so far.
    value
        Their weighted sum.
    """

    n_looks: int = 0
    value: float = 0.0

    @property
    def p_value(self) -> float:
        """A p-value that holds however often one looked: 1 / value, at most 1."""
        return min(1.0, 1 / self.value) if self.value > 0 else 1.0

    def after(self, observed: float, totals: Floats) -> "Looks":
        """Return what there is after one look more, at all answers so far (parameters: `e_value`)."""
        look = self.n_looks + 1
        return Looks(look, self.value + weight_of_look(look) * e_value(observed, totals))


def _share(exponents: Floats) -> float:
    paid = np.exp(exponents - exponents.max())
    return float(len(paid) * paid[-1] / paid.sum())
