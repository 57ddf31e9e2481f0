"""What can be asked: an endpoint (`gauger.sources.endpoint`) or a model on this disk (`local_models`)."""

from typing import Protocol

from gauger.sources.prompts import Question
from gauger.sources.replies import Fault, Reply


class Suspect(Protocol):
    """A model under test, wherever it runs. `tests/contracts/test_suspects.py` holds what each promises."""

    def ask(self, question: Question) -> Reply | Fault:
        """Return the answer, or why there is none: whatever goes wrong on its side is a fault, never an error."""

    def hang_up(self) -> None:
        """End what is being asked, from any thread: it becomes a fault, and soon."""
