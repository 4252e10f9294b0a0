"""The gate of the browser phones."""

from typing import Final

# Where it speaks to our own Asterisk from: an address that is no trunk's and no telephone's, since
# Asterisk takes who comes from one of these at its word (config/doors.py).
FROM: Final = "127.82.68.71"
