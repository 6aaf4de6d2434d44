import numpy
import pytest
from conftest import picture

from gluon_style import reconstruct, stylize, texture
from gluon_style.records.record import PictureId

CONTENT, STYLE = picture(60, 40, seed=1), picture(64, 64, seed=2)


@pytest.fixture(scope='module')
def made(weights_file):
    options = {'weights': weights_file, 'epochs': 15, 'scales': 1}
    return texture(STYLE, 'quick', size=(64, 48), **options)


def test_texture_has_the_style_and_no_content(made):
    assert made.image.shape == (48, 64, 3)
    assert made.record.pictures['content'] == PictureId(None, None)
    assert made.record.shown == ['style']
    assert made.record.settings['init'] == 'noise'
    assert {entry.content for entry in made.history} == {0}
    styles = [entry.style for entry in made.history]
    assert styles[-1] < styles[0] / 10


def test_settings_may_be_a_configs(made, tmp_path):
    made.save(tmp_path / 'out.png')
    again = texture(STYLE, tmp_path / 'out.json')
    assert (again.image == made.image).all()


def test_a_texture_depends_on_its_seed(made, weights_file):
    def image(seed):
        return texture(
            STYLE,
            'quick',
            size=(64, 48),
            weights=weights_file,
            epochs=15,
            scales=1,
            seed=seed,
        ).image

    assert (image(0) == made.image).all()
    assert (image(1) != made.image).any()


def seam(img):
    """Return the step across both edges, for the usual step inside."""
    img = img.astype(float)
    ratios = []
    for axis in (0, 1):
        inside = abs(numpy.diff(img, axis=axis)).mean()
        first, last = img.take(0, axis), img.take(-1, axis)
        ratios.append(abs(first - last).mean() / inside)
    return ratios


@pytest.mark.long
def test_a_tileable_texture_has_no_seam(weights_file):
    options = {'weights': weights_file, 'size': (64, 64), 'epochs': 40}
    options.update(scales=1, tv_weight=10)
    plain = texture(STYLE, 'quick', **options)
    tiled = texture(STYLE, 'quick', tileable=True, **options)
    assert min(seam(plain.image)) > 1.5
    assert max(seam(tiled.image)) < 1.2


def test_reconstruction_nears_the_content_at_its_layer(weights_file):
    result = reconstruct(
        CONTENT, 'conv2_1', 'quick', weights=weights_file, size=60, epochs=40
    )
    assert result.image.shape == (40, 60, 3)
    assert result.record.pictures['style'] == PictureId(None, None)
    assert result.record.shown == ['content']
    assert {entry.style for entry in result.history} == {0}
    contents = [entry.content for entry in result.history]
    assert contents[-1] < contents[0] / 10
    likeness = numpy.corrcoef(result.image.ravel(), CONTENT.ravel())[0, 1]
    assert likeness > 0.7


def test_both_pictures_absent_is_a_sentence():
    with pytest.raises(ValueError, match="init is 'content' and that pictu"):
        stylize(None, None)
