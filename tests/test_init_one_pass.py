"""A run that starts from the picture of one pass."""

import numpy
import pytest
from conftest import picture
from mxnet import cpu, np

from gluon_style import (
    Checkpoint,
    GluonStyleError,
    Observer,
    Settings,
    get_method,
    reconstruct,
    stylize,
    texture,
)
from gluon_style.chapter.images import postprocess, preprocess
from gluon_style.methods.gatys.inputs import Inputs

SHAPE = 48, 32
CONTENT, STYLE = picture(*SHAPE, seed=1), picture(60, 45, seed=2)
OTHER = picture(50, 50, seed=3)
INIT = {'init': 'feedforward'}


def one_pass(content=CONTENT, style=STYLE, **changes):
    """Return what the other method paints, floats from 0 to 1."""
    method = get_method('feedforward')
    return method.stylize(content, style, method.settings(**changes)).pixels


def start(styles=STYLE, shape=SHAPE, mask=None, **changes):
    """Return the picture that a run starts from, at a scale's size."""
    settings = Settings(size=SHAPE, **INIT, **changes)
    inputs = Inputs(CONTENT, styles, settings, cpu(), mask)
    return postprocess(inputs.start(shape)).asnumpy()


def test_the_start_is_what_one_pass_paints():
    expected = one_pass()
    assert numpy.abs(expected - CONTENT / 255).mean() > 0.1
    # A start is kept in 8 bits.
    assert numpy.abs(start() - expected).max() < 0.6 / 255


def test_a_coarse_scale_starts_from_the_same_picture_made_smaller():
    whole = np.array(255 * one_pass(), dtype='uint8')
    expected = postprocess(preprocess(whole, (24, 16))).asnumpy()
    assert numpy.abs(start(shape=(24, 16)) - expected).max() < 2 / 255


def test_styles_blend_in_the_start():
    expected = one_pass(style=[STYLE, OTHER], style_blend=(3, 1))
    found = start([STYLE, OTHER], style_blend=(3, 1))
    assert numpy.abs(found - expected).max() < 0.6 / 255


@pytest.mark.parametrize('styles', [[STYLE], [STYLE, OTHER]])
def test_a_mask_says_where_the_start_has_which_style(styles):
    mask = numpy.zeros(SHAPE[::-1], 'uint8')
    mask[:, :20] = 255
    found = start(styles, mask=mask, feather=0)
    right = CONTENT / 255 if len(styles) == 1 else one_pass(style=OTHER)
    expected = numpy.where(mask[..., None], one_pass(), right)
    assert numpy.abs(found - expected).max() < 0.6 / 255


@pytest.mark.parametrize('color', ['transfer', 'match', 'histogram'])
def test_the_start_has_the_colors_of_the_run(color):
    expected = one_pass(color=color)
    found = start(color=color)
    # The content is moved by floats here, and there by bytes.
    assert numpy.abs(found - expected).mean() < 0.01
    assert numpy.abs(expected - one_pass()).mean() > 0.03


@pytest.fixture
def run(weights_file):
    def run(**options):
        options = {**INIT, **options}
        return stylize(
            CONTENT,
            STYLE,
            'chapter',
            size=SHAPE,
            weights=weights_file,
            **{'epochs': 6, **options},
        )

    return run


def test_the_record_repeats_the_run(run, tmp_path):
    first = run()
    assert first.record.settings['init'] == 'feedforward'
    assert set(first.record.pictures) == {'content', 'style'}
    first.save(tmp_path / 'out.png')
    again = stylize(CONTENT, STYLE, tmp_path / 'out.json')
    assert again.image.tobytes() == first.image.tobytes()
    assert again.image.tobytes() != run(init='content').image.tobytes()


class Stop(Observer):
    epochs = 0

    def epoch(self, history, picture):
        self.epochs = len(history)

    def stop(self):
        return 'test' if self.epochs == 3 else None


def test_a_resumed_run_is_the_same(run, tmp_path):
    whole, folder = run(), tmp_path / 'saved'
    run(observers=[Checkpoint(folder), Stop()])
    resumed = run(observers=[Checkpoint(folder, resume=True)])
    assert resumed.image.tobytes() == whole.image.tobytes()
    assert len(resumed.history) == len(whole.history) == 6


def test_a_run_without_both_pictures_is_refused():
    for make in (texture, reconstruct):
        with pytest.raises(GluonStyleError, match="init is 'feedforward' and"):
            make(STYLE, **INIT)
