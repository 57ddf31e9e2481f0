"""The conditional channels: tested on a candidate that was chosen by content alone."""

from collections.abc import Mapping
from typing import Final

from gauger.evidence.channel import Channel
from gauger.evidence.failover import FAILOVER
from gauger.evidence.network import NETWORK
from gauger.evidence.payment import PAYMENT
from gauger.evidence.pivot import PIVOT
from gauger.evidence.reasoning_block import REASONING_BLOCK
from gauger.evidence.take_over import TAKE_OVER

CHANNELS: Final[Mapping[str, Channel]] = {
    "payment": PAYMENT,
    "network": NETWORK,
    "reasoning_block": REASONING_BLOCK,
    "pivot": PIVOT,
    "take_over": TAKE_OVER,
    "failover": FAILOVER,
}
