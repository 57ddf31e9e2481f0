"""Infrastructure: the same client software behind the group.

Users of one popular agent share it, so it convicts nobody.
"""

from typing import Final

from gauger.evidence.channel import TokenChannel

CLIENT_STACK: Final = TokenChannel(
    name="client_stack", family="infrastructure", certifies=False, kind="client", noun="client fingerprint"
)
