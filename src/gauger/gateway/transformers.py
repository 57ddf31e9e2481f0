"""Campaign watermarks in Hugging Face Transformers: a logits processor that chooses the key by the row of the batch.

Transformers' own watermark has one key for a whole call. Here each request of a batch is marked under the key of the
campaign it was attributed to, and rows of nobody are left as they are. Needs the extra `transformers`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from transformers import LogitsProcessor

from gauger.errors import UsageError
from gauger.proof.marking import Marking


class CampaignWatermark(LogitsProcessor):  # type: ignore[misc]
    """Marks each row of a batch under its campaign's key.

    Parameters
    ----------
    rows
        For each request of the batch the name of its campaign, or None. Where `generate` returns several sequences for
        a request, each of them has its campaign.
    markings
        The keys at work, by campaign (`gauger.proof.marking.exported_marking`).
    before
        What is applied first: temperature, top-k, top-p. Transformers applies those of its own configuration *after*
        this processor; gumbel chooses the token here and so needs them here (leave them out of `generate` then).

    Raises
    ------
    UsageError
        A row names a campaign that has no key.

    Examples
    --------
    >>> from transformers import LogitsProcessorList  # doctest: +SKIP
    >>> mark = CampaignWatermark(["C-17", None], {"C-17": exported_marking(file)})  # doctest: +SKIP
    >>> model.generate(ids, do_sample=True, logits_processor=LogitsProcessorList([mark]))  # doctest: +SKIP
    """

    #: Rows of a continuous batch are not requests: a key could be given to somebody else's text.
    supports_continuous_batching = False

    def __init__(
        self,
        rows: Sequence[str | None],
        markings: Mapping[str, Marking],
        *,
        before: Sequence[LogitsProcessor] = (),
    ) -> None:
        unknown = sorted({name for name in rows if name is not None} - markings.keys())
        if unknown:
            raise UsageError(f"there is no key of {unknown[0]}", todo="make one with `gauger keys new`")
        self._rows = tuple(rows)
        self._markings = dict(markings)
        self._before = tuple(before)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return float[n, v], the scores to draw from.

        Parameters
        ----------
        input_ids
            int64[n, t], the tokens so far, prompt and padding included.
        scores
            float[n, v], logits.

        Raises
        ------
        UsageError
            The batch has not as many requests as there are rows.
        """
        for processor in self._before:
            scores = processor(input_ids, scores)
        campaigns = self._campaigns(len(scores))
        marked = scores.clone()
        for name in sorted({one for one in campaigns if one is not None}):
            at = torch.tensor([place for place, one in enumerate(campaigns) if one == name], device=scores.device)
            marked[at] = self._marked(self._markings[name], input_ids[at], scores[at])
        return marked

    def _campaigns(self, n: int) -> list[str | None]:
        if not self._rows or n % len(self._rows):
            raise UsageError(
                f"the batch has {n} sequences for {len(self._rows)} campaigns",
                todo="name one campaign, or None, for each request; beams are not supported",
            )
        return [name for name in self._rows for _ in range(n // len(self._rows))]

    @staticmethod
    def _marked(marking: Marking, tokens: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        width = marking.scheme.width
        if tokens.shape[1] < width:
            return scores
        contexts = tokens[:, -width:].cpu().numpy().astype(np.uint32)
        found = marking.logits(scores.double().cpu().numpy(), contexts)
        return torch.from_numpy(found).to(device=scores.device, dtype=scores.dtype)
