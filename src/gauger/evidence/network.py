"""Infrastructure: one network prefix (/24, /48) behind several customers.

A popular NAT is cheap: its weight is 1/holders.
"""

from typing import Final

from gauger.evidence.channel import TokenChannel

NETWORK: Final = TokenChannel(name="network", family="infrastructure", kind="network", noun="network prefix")
