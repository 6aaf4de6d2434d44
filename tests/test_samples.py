"""The sample pictures that come with the package."""

import runpy
from pathlib import Path

import numpy
from PIL import Image

from gluon_style import samples

PAINT = Path(__file__).parents[1] / 'tools' / 'paint.py'


def test_the_painting_is_what_its_script_paints():
    paint = runpy.run_path(str(PAINT))['paint']
    with Image.open(samples.PAINTING) as shipped:
        difference = numpy.asarray(shipped).astype(int) - numpy.asarray(
            paint()
        )
    # JPEG's loss, and no more.
    assert abs(difference).mean() < 6
