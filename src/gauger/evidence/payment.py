"""Identity: one payment card behind several customers of the group. Families and firms share cards too."""

from typing import Final

from gauger.evidence.channel import TokenChannel

PAYMENT: Final = TokenChannel(name="payment", family="identity", kind="payment", noun="payment card")
