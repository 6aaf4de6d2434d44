"""The benchmark of many pictures asks for pictures that can be made."""

import pytest
from benchmarks import scale

from gluon_style import samples


@pytest.mark.parametrize('name', scale.RATES)
def test_what_is_timed_and_what_comes_before_it_can_be_made(name):
    method, _, size = scale.RATES[name]
    height, width = samples.photograph().shape[:2]
    for each in (scale.FIRST_SIZE, size):
        settings = scale.settings_of(method, each)
        assert max(settings.image_shape(width, height)) == each
