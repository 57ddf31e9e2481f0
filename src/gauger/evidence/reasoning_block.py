"""Infrastructure: the same encrypted reasoning block sent by two customers.

It is made for one session; nobody else has it.
"""

from typing import Final

from gauger.evidence.channel import TokenChannel

REASONING_BLOCK: Final = TokenChannel(
    name="reasoning_block", family="infrastructure", kind="reasoning_block", noun="reasoning block"
)
