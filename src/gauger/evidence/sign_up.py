"""Identity: customers of the group that signed up in the same hour. A class does that too, so it convicts nobody."""

from typing import Final

from gauger.evidence.channel import TokenChannel

SIGN_UP: Final = TokenChannel(
    name="sign_up", family="identity", certifies=False, kind="sign_up_hour", noun="hour of sign-up"
)
