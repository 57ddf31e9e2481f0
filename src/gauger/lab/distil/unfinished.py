"""A training that takes long is kept as it goes, so that a kill costs minutes: weights and the optimiser's state."""

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from gauger.errors import InputError
from gauger.store.durable import create_file, put_in_place

#: Seconds between two copies; small students are done before the first.
EVERY_S: Final = 600.0
_STATES: Final = ("step", "exp_avg", "exp_avg_sq")


def name_of(what: Iterable[object]) -> str:
    """Return the name of a training: a digest of what it follows from, arrays by their bytes."""
    told = hashlib.blake2b(digest_size=8)
    for one in what:
        told.update(one.tobytes() if isinstance(one, np.ndarray) else repr(one).encode())
    return f"{told.hexdigest()}.npz"


class Unfinished:
    """The copy of one training.

    Parameters
    ----------
    file
        Where it is kept; its folder is made when it is needed. None keeps nothing.
    weights, optimiser
        AdamW, and the weights that it moves.
    """

    def __init__(self, file: Path | None, weights: Iterable[Tensor], optimiser: Any) -> None:
        self._file, self._weights, self._optimiser = file, list(weights), optimiser
        self._kept_at = time.monotonic()

    def restored(self) -> int:
        """Put back what was kept, and return how many steps it is of; 0 where nothing was.

        Raises
        ------
        InputError
            The copy is damaged.
        """
        if self._file is None or not self._file.exists():
            return 0
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays = {name: from_numpy(kept[name]) for name in kept.files}
        except (BadZipFile, ValueError, EOFError) as error:
            raise InputError("this copy of a training is damaged", where=str(self._file), todo="delete it") from error
        for number, weight in enumerate(self._weights):
            weight.data.copy_(arrays[f"weight-{number}"])
            state = {name: arrays[f"{name}-{number}"] for name in _STATES if f"{name}-{number}" in arrays}
            if state:
                self._optimiser.state[weight] = {name: one.to(weight.device) for name, one in state.items()}
        return int(arrays["steps"])

    def keep(self, steps: int) -> None:
        """Write a copy, if it is time."""
        if self._file is None or time.monotonic() - self._kept_at < EVERY_S:
            return
        self._file.parent.mkdir(exist_ok=True)
        # Two processes may train the same student, each for a cell of its own.
        aside = self._file.with_suffix(f".{os.getpid()}.new")
        arrays: dict[str, Any] = self._arrays()
        with create_file(aside) as file:
            np.savez(file, steps=np.int64(steps), **arrays)
        put_in_place(aside, self._file)
        self._kept_at = time.monotonic()

    def drop(self) -> None:
        """Remove the copy: the training is over."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights and what the optimiser knows of each, by name and number: of unused ones nothing."""
        named = {f"weight-{number}": weight for number, weight in enumerate(self._weights)}
        for number, weight in enumerate(self._weights):
            state = self._optimiser.state.get(weight, {})
            named |= {f"{name}-{number}": one for name, one in state.items() if name in _STATES}
        return {name: one.detach().cpu().numpy() for name, one in named.items()}
