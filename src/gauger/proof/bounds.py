"""What numbers may be in a file that somebody else wrote: far more than any test gives, and nothing overflows."""

from typing import Annotated

import msgspec

#: How many of something; a float holds each of them exactly.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
#: A p-value, or a level.
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
#: Any other figure: a z-score, an e-value.
Figure = Annotated[float, msgspec.Meta(ge=-1e100, le=1e100)]
