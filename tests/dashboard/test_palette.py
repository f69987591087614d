"""The colours of figures stand out on a light and a dark page, and from each other to every kind of eye."""

import math
import re
from itertools import combinations

import pytest

from tests.live import ROOT
from warehouse.serving.dashboard.palette import PALETTE

# Streamlit's own pages.
BACKGROUNDS = ("#ffffff", "#0e1117", "#181816")
# Machado, Oliveira and Fernandes (2009): what is seen without one of the three cones.
EYES = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}

Light = tuple[float, float, float]


def light(colour: str) -> Light:
    """The colour as red, green and blue light."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return (_linear(red), _linear(green), _linear(blue))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def luminance(seen: Light) -> float:
    return 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]


def lab(seen: Light) -> Light:
    """CIE L*a*b*, in which 2.3 is the least difference somebody notices."""
    red, green, blue = (min(1.0, max(0.0, part)) for part in seen)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_colour_stands_out_on_the_page(background: str) -> None:
    for colour in PALETTE:
        dark, bright = sorted((luminance(light(colour)), luminance(light(background))))
        assert (bright + 0.05) / (dark + 0.05) >= 3, colour


@pytest.mark.parametrize("eye", EYES)
def test_no_two_colours_look_alike(eye: str) -> None:
    for one, other in combinations(PALETTE, 2):
        seen = [
            tuple(sum(part * of for part, of in zip(row, light(each), strict=True)) for row in EYES[eye])
            for each in (one, other)
        ]
        assert math.dist(lab((seen[0][0], seen[0][1], seen[0][2])), lab((seen[1][0], seen[1][1], seen[1][2]))) > 15


def test_the_notebooks_have_the_same_colours() -> None:
    style = (ROOT / "notebooks" / "newstore.mplstyle").read_text(encoding="utf-8")
    (cycle,) = re.findall(r"^axes.prop_cycle: (.*)$", style, re.MULTILINE)
    assert tuple(re.findall(r"#\w{6}", cycle)) == PALETTE
