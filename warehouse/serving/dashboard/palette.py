"""The colours of figures, the same on a light and on a dark page, and told apart by eyes that see no red or no green.

notebooks/newstore.mplstyle has the same ones.
"""

from typing import Final

BLUE: Final = "#2f7fb8"
ORANGE: Final = "#dd7127"
VIOLET: Final = "#774ad1"
OLIVE: Final = "#8c9052"
PINK: Final = "#bf6f98"
BROWN: Final = "#8a5f4c"
PALETTE: Final = (BLUE, ORANGE, VIOLET, OLIVE, PINK, BROWN)
