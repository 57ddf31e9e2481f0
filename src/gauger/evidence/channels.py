"""The conditional channels: tested on a candidate that was chosen by content alone."""

from collections.abc import Mapping
from typing import Final

from gauger.evidence.channel import Channel
from gauger.evidence.client_stack import CLIENT_STACK
from gauger.evidence.load_balance import LOAD_BALANCE
from gauger.evidence.network import NETWORK
from gauger.evidence.payment import PAYMENT
from gauger.evidence.reasoning_block import REASONING_BLOCK
from gauger.evidence.sign_up import SIGN_UP
from gauger.evidence.synchrony import SYNCHRONY

CHANNELS: Final[Mapping[str, Channel]] = {
    "payment": PAYMENT,
    "sign_up": SIGN_UP,
    "network": NETWORK,
    "client_stack": CLIENT_STACK,
    "reasoning_block": REASONING_BLOCK,
    "synchrony": SYNCHRONY,
    "load_balance": LOAD_BALANCE,
}
