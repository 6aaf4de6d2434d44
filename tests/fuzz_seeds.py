"""What the fuzzer mutates: small valid files, and what reads each kind.

``KINDS`` maps a kind to (make_seeds, read). ``make_seeds(folder)`` writes
valid files into a folder; ``read(path)`` reads one, asserts that the answer
is right, and lets the reader's errors out.
"""

import json
import pickle
from dataclasses import asdict

import numpy
from fuzz_checkpoints import make_checkpoints, read_a_checkpoint
from fuzz_one_pass import (
    make_decoders,
    make_lessons,
    make_onnx,
    make_styles,
    read_a_decoder,
    read_a_lesson,
    read_a_net,
    read_a_style,
)
from fuzz_records import make_deep, make_records, read_a_record, read_deep
from PIL import Image, ImageCms, PngImagePlugin

from gluon_style import samples
from gluon_style.layers import CONV_SHAPES
from gluon_style.methods.gatys.config import read_config
from gluon_style.methods.gatys.settings import Settings, Stage
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import Epoch, PictureId, Record, WeightsId
from gluon_style.weights.formats import read_layers, write_layers

LAYERS = ('conv1_1',)
_PICTURE_MODES = {
    'PNG': ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'),
    'JPEG': ('L', 'RGB', 'CMYK'),
    'TIFF': ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'CMYK', 'I;16', 'F', 'LAB'),
    'WEBP': ('RGB', 'RGBA'),
    'GIF': ('L', 'P'),
    'BMP': ('1', 'L', 'P', 'RGB'),
}


def make_pictures(folder):
    """Write a picture of each format and mode, 13 by 9."""
    for form, modes in _PICTURE_MODES.items():
        for mode in modes:
            path = folder / f'{mode.replace(";", "-")}.{form.lower()}'
            _picture(mode).save(path, format=form, **_extras(form, mode))
    for method in ('tiff_lzw', 'tiff_adobe_deflate', 'jpeg', 'packbits'):
        _picture('RGB').save(folder / f'{method}.tiff', compression=method)
    frames = [_picture('P'), _picture('P').rotate(180)]
    for suffix in ('gif', 'png', 'webp', 'tiff'):
        path = folder / f'frames.{suffix}'
        frames[0].save(path, save_all=True, append_images=frames[1:])
    _picture('RGB').save(folder / 'p.jpeg', progressive=True, quality=30)


def _picture(mode):
    rng = numpy.random.RandomState(0)
    pixels = rng.randint(0, 256, (9, 13, 3)).astype('uint8')
    img = Image.fromarray(pixels)
    if mode == 'LAB':
        lab = ImageCms.createProfile('LAB')
        srgb = ImageCms.createProfile('sRGB')
        return ImageCms.profileToProfile(img, srgb, lab, outputMode='LAB')
    if mode == 'I;16':
        return Image.fromarray(pixels[..., 0].astype('uint16') * 257)
    if mode in ('LA', 'F'):
        img = img.convert('L')
    return img.convert(mode)


def _extras(form, mode):
    """Return what else a file may have: orientation, profile, text."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB'))
    extras = {}
    if form in ('PNG', 'JPEG', 'TIFF', 'WEBP') and mode == 'RGB':
        extras['icc_profile'] = profile.tobytes()
    if form in ('PNG', 'JPEG', 'WEBP'):
        exif = Image.Exif()
        exif[0x0112] = 6
        extras['exif'] = exif
    if form == 'PNG':
        text = PngImagePlugin.PngInfo()
        text.add_itxt('gluon_style', '{"lr": 0.9}', zip=True)
        extras['pnginfo'] = text
        if mode in ('L', 'P', 'RGB'):
            extras['transparency'] = (1, 2, 3) if mode == 'RGB' else 3
    return extras


def read_a_picture(path):
    """Read a picture; any one of uint8, (height, width, 3), is right."""
    img = read_picture(path)
    assert isinstance(img, numpy.ndarray) and img.dtype == 'uint8'
    assert img.ndim == 3 and img.shape[2] == 3 and img.size > 0


def make_weights(folder):
    """Write the first layer, and an array of no interest, in each format."""
    import h5py
    import torch_writer

    rng = numpy.random.RandomState(0)
    weight = rng.normal(size=CONV_SHAPES['conv1_1']).astype('float32')
    bias = rng.normal(size=64).astype('float32')
    for suffix in ('.npz', '.params', '.safetensors'):
        write_layers(folder / f'w{suffix}', {'conv1_1': (weight, bias)})
    other = {'classifier.0.weight': rng.normal(size=(3, 4))}
    arrays = {'features.0.weight': weight, 'features.0.bias': bias, **other}
    numpy.savez_compressed(folder / 'deflated.npz', **arrays)
    numpy.savez(folder / 'new.npz', **arrays)
    (folder / 'new.npz').rename(folder / 'new.params')
    for legacy in (False, True):
        torch_writer.save(folder / f'{legacy}.pth', arrays, legacy)
    indices = rng.randint(0, 256, weight.shape).astype('uint8')
    quantized = {
        'block1_conv1_W_q': indices,
        'block1_conv1_W_table': rng.normal(size=256).astype('float32'),
        'block1_conv1_b': bias,
    }
    torch_writer.save(folder / 'quantized.bin', quantized, legacy=True)
    kernel = weight.transpose(2, 3, 1, 0)
    flax = {'VGG16_0': {'Conv_0': {'kernel': kernel, 'bias': bias}}}
    for protocol in (3, 4):
        pickled = pickle.dumps({**flax, 'a': {'b': arrays}}, protocol)
        (folder / f'flax{protocol}.ckpt').write_bytes(pickled)
    for options in ({}, {'compression': 'gzip', 'shuffle': True}):
        with h5py.File(folder / f'keras{len(options)}.h5', 'w') as file:
            group = file.create_group('block1_conv1/block1_conv1')
            keras = weight.transpose(2, 3, 1, 0)
            group.create_dataset('kernel:0', data=keras, **options)
            group.create_dataset('bias:0', data=bias)
            file['block9_conv1/kernel'] = numpy.ones((2, 2))
            file.attrs['layer_names'] = [b'block1_conv1']


def read_weights(path):
    """Read the first layer; any of the right shape and finite is right."""
    layers, convention = read_layers(path, LAYERS)
    assert convention in ('rgb', 'bgr') and list(layers) == list(LAYERS)
    weight, bias = layers['conv1_1']
    shape = CONV_SHAPES['conv1_1']
    for array, expected in ((weight, shape), (bias, shape[:1])):
        assert array.shape == expected and array.dtype == 'float32'
        assert numpy.isfinite(array).all()


def make_configs(folder):
    """Write settings in TOML, and the records of runs."""
    (folder / 'all.toml').write_text(_TOML)
    (folder / 'few.toml').write_text("style = 'a.jpg'\nsize = 300\n")
    lines = _TOML.split('[first]')[0].split('\n')
    for i, line in enumerate(filter(None, lines)):
        (folder / f'line{i}.toml').write_text(line)
    picture = PictureId.of(samples.PAINTING)
    record = Record(
        method='gatys',
        settings=Settings(weights='oxford', epochs=3).to_json(),
        pictures={
            'content': PictureId.of(samples.photograph()),
            'style': picture,
            'mask': picture,
        },
        width=32,
        height=24,
        weights=WeightsId('oxford', None, 'bde7', None),
        device='cpu(0)',
        tile=None,
        threads='2',
        versions={'numpy': '1.23.5'},
        epochs=1,
        losses=Epoch(1, (32, 24), 1.0, 0.25, 0.25, 1.5),
    ).to_json()
    record['history'] = [{**record['losses'], 'seconds': 0.5}]
    (folder / 'run.json').write_text(json.dumps(record, indent=1))
    stages = {'first': asdict(Stage(0.5, 3, 0.1, 2)), 'tile': 64}
    record['settings'].update(stages, restarts=[2, 4])
    record.update(device='gpu(0)', stopped='limit', epochs=3)
    (folder / 'stages.json').write_text(json.dumps(record))
    # As many as there are of TOML.
    absent = {'file': None, 'sha256': None}
    for i in range(6):
        alone = {**record, ('content', 'style')[i % 2]: absent, 'others': {}}
        (folder / f'alone{i}.json').write_text(json.dumps(alone))


_TOML = """
preset = 'quick'
content = 'photo.jpg'
style = ['a.jpg', 'b.jpg']
mask = 'mask.png'
output = 'out.png'
size = [304, 200]
epochs = 20
lr = 0.1
style-weight = 1e3
style_layers = ['conv1_1', 'conv4_1:0.5', 28]
style_blend = [2, 1]
style_scale = 0.5
init = 'blend:0.3'
bounded = true
tile = 'auto'
[first]
scale = 0.5
epochs = 3
lr = 0.1
lr_decay_epoch = 2
"""


def read_a_config(path):
    """Read a config; any that makes settings, and names files, is right."""
    config = read_config(path)
    assert isinstance(Settings(**config.settings), Settings)
    assert set(config.pictures) <= {'content', 'style', 'mask', 'output'}
    assert config.preset is None or isinstance(config.preset, str)


KINDS = {
    'images': (make_pictures, read_a_picture),
    'weights': (make_weights, read_weights),
    'config': (make_configs, read_a_config),
    'checkpoint': (make_checkpoints, read_a_checkpoint),
    'onnx': (make_onnx, read_a_net),
    'style': (make_styles, read_a_style),
    'decoder': (make_decoders, read_a_decoder),
    'lesson': (make_lessons, read_a_lesson),
    'record': (make_records, read_a_record),
    'deep': (make_deep, read_deep),
}
