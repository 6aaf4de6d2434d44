"""The options that change the look, against the keywords of ``stylize``."""

import json
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import stylize
from gluon_style.methods.gatys.precision import has_bfloat16
from gluon_style.pictures.read import read_picture

SIZE = (32, 24)
SHALLOW = {
    'style_layers': ('conv1_1', 'conv2_1'),
    'content_layers': ('conv2_2',),
}
LOSSES = ('content', 'style', 'tv', 'total')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder of a content picture, two styles and a mask."""
    path = tmp_path_factory.mktemp('effects')
    mask = numpy.zeros((24, 32, 3), 'uint8')
    mask[:, :14] = 255
    for name, img in {
        'content': picture(60, 40, seed=1),
        'a': picture(50, 40, seed=2),
        'b': picture(40, 40, seed=3),
        'mask': mask,
    }.items():
        Image.fromarray(img).save(path / f'{name}.png')
    return path


@pytest.fixture(scope='module')
def called(folder, weights_file):
    """Call ``stylize`` with names of styles; the plain answer is kept."""
    kept = {}

    def call(styles, mask=None, **options):
        key = repr((styles, mask, options))
        if key not in kept:
            kept[key] = stylize(
                str(folder / 'content.png'),
                [str(folder / f'{name}.png') for name in styles],
                'chapter',
                mask=mask and str(folder / mask),
                weights=weights_file,
                device='cpu',
                size=SIZE,
                epochs=2,
                lr=0.1,
                **{**SHALLOW, **options},
            )
        return kept[key]

    return call


@pytest.fixture
def run(command, folder, weights_file, monkeypatch, tmp_path):
    """Run the command 'run'; returns its picture and its losses by epoch."""
    monkeypatch.chdir(folder)

    def call(*options):
        output = tmp_path / 'out.png'
        options = [*options, '--quiet', '--weights', weights_file]
        options += ['--device', 'cpu']
        options += ['--size', '32x24', '--epochs', '2', '--lr', '0.1']
        for name, layers in SHALLOW.items():
            name = f'--{name.replace("_", "-")}'
            if name not in options:
                options += [name, ','.join(layers)]
        words = ['run', 'content.png', '-o', output, *options]
        assert command(*words, '--preset', 'chapter') == (0, '', '')
        record = json.loads(Path(output).with_suffix('.json').read_text())
        return read_picture(output), losses(record['history'])

    return call


def losses(history):
    return [[entry[name] for name in LOSSES] for entry in history]


def losses_of(result):
    return losses([entry.to_json() for entry in result.history])


BOTH = ['--style', 'a.png', '--style', 'b.png']


@pytest.mark.parametrize(
    'options, keywords',
    [
        (['--style-blend', '2:1'], {'style_blend': (2, 1)}),
        (['--mask', 'mask.png'], {'mask': 'mask.png'}),
        (
            ['--mask', 'mask.png', '--feather', '0.3'],
            {'mask': 'mask.png', 'feather': 0.3},
        ),
    ],
)
def test_two_styles_are_the_keywords(run, called, options, keywords):
    image, found = run(*BOTH, *options)
    result = called('ab', **keywords)
    assert image.tobytes() == result.image.tobytes()
    assert found == losses_of(result)
    # No option is without effect, nor the styles' order.
    for other in (
        called('ab'),
        called('ba', **keywords),
        called('ab', mask=keywords.get('mask'), feather=0.1),
    ):
        assert found[0][1] != pytest.approx(other.history[0].style, 1e-4)


@pytest.mark.parametrize(
    'options, keywords',
    [
        (['--strength', '0.3'], {'strength': 0.3}),
        (['--pooling', 'avg'], {'pooling': 'avg'}),
        (['--border', 'replicate'], {'border': 'replicate'}),
        pytest.param(
            *(['--precision', 'bfloat16'], {'precision': 'bfloat16'}),
            marks=pytest.mark.skipif(
                not has_bfloat16(), reason='the processor has no bfloat16'
            ),
        ),
        (['--style-loss', 'w2'], {'style_loss': 'w2'}),
        (['--style-loss', 'meanvar'], {'style_loss': 'meanvar'}),
        (['--tv-norm', 'l2'], {'tv_norm': 'l2'}),
        (['--tv-target', 'style'], {'tv_target': 'style'}),
        (['--tileable'], {'tileable': True}),
        (['--style-scale', '0.5'], {'style_scale': 0.5}),
        (['--antialias'], {'antialias': True}),
        (
            ['--content-layers', 'conv4_1:0.5,conv5_1'],
            {'content_layers': ('conv4_1:0.5', 'conv5_1')},
        ),
        (
            ['--style-layers', 'conv1_1:3,conv2_2'],
            {'style_layers': ('conv1_1:3', 'conv2_2')},
        ),
        (['--color', 'transfer'], {'color': 'transfer'}),
        (['--color', 'match'], {'color': 'match'}),
        (['--color', 'histogram'], {'color': 'histogram'}),
        (['--color', 'luminance'], {'color': 'luminance'}),
        (['--init', 'style'], {'init': 'style'}),
        (['--init', 'feedforward'], {'init': 'feedforward'}),
        (
            ['--init', 'blend:0.3', '--seed', '4'],
            {'init': 'blend:0.3', 'seed': 4},
        ),
    ],
    ids=lambda value: '-'.join(value) if isinstance(value, list) else '',
)
def test_options_are_the_keywords(run, called, options, keywords):
    image, found = run('a.png', *options)
    result, plain = called('a', **keywords), called('a')
    assert image.tobytes() == result.image.tobytes()
    assert found == losses_of(result)
    # No option is without effect.
    assert image.tobytes() != plain.image.tobytes()
    # Colors that are kept in the result are none of the losses' matter.
    same = found == losses_of(plain)
    assert same == (keywords.get('color') == 'luminance')
