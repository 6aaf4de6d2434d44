"""Train the decoder of AdaIN (Huang & Belongie 2017) on free pictures.

    python tools/train_adain.py FOLDER [--photos DIR] [--iterations N]

The decoder first learns to give pictures back (an auto-encoder), then to give
them the means and deviations of other pictures' features. All that it needs
to go on is in FOLDER, which it saves every few minutes: start the same command
again after an interruption. ``decoder.npz`` is what the package reads,
``log.jsonl`` has the losses and ``preview.png`` shows how far it is.

Each iteration draws with a seed of its own, so that a resumed training is the
same as one that was never interrupted.
"""

# ruff: isort: off
# It prepares MXNet, and must be the first.
import gluon_style  # noqa: F401

# ruff: isort: on
import argparse
import json
import time
from pathlib import Path

import numpy
from mxnet import autograd, gluon, np, npx
from mxnet.gluon import nn
from paint_styles import painting
from PIL import Image
from skimage import data

from gluon_style._mxnet import (
    get_moments,
    named_parameters,
    numpy_mode,
    set_moments,
)
from gluon_style.chapter.vgg import build_net
from gluon_style.files.atomic import replacing
from gluon_style.layers import NETWORKS
from gluon_style.methods.adain.decoder import write_decoder
from gluon_style.methods.adain.layout import NETWORK
from gluon_style.methods.adain.net import (
    Decoder,
    Encoder,
    adain,
    mean_and_deviation,
    normalized,
    pixels,
)
from gluon_style.methods.gatys.bfloat16 import bfloat16_segment
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized
from gluon_style.records.find import pictures_in

SIDE, BATCH = 128, 4
NUM_PAINTINGS, NUM_STYLES, STYLE_SIDE = 300, 1500, 160
# Iterations of the plain auto-encoder, and how its losses are weighted.
PLAIN = 2500
STYLE_LAYERS = ('conv1_1', 'conv2_1', 'conv3_1', 'conv4_1')
# The paper's. Here losses are relative: see ``Losses``.
STYLE_WEIGHT = 10.0
# The rate falls as 1 / (1 + iteration / HALF), as the authors' does.
RATE, HALF = 1e-3, 5000
SAVE_SECONDS, PREVIEW_EVERY = 300, 1000


def photographs(folder):
    """Return the photographs to learn on, by name."""
    names = (
        *('astronaut', 'chelsea', 'coffee', 'rocket', 'hubble_deep_field'),
        *('brick', 'grass', 'gravel', 'retina', 'immunohistochemistry'),
    )
    photos = {name: getattr(data, name)() for name in names}
    photos['stereo_motorcycle'] = data.stereo_motorcycle()[0]
    for path in pictures_in(Path(folder)) if folder else []:
        photos[path.name] = read_picture(path)
    return {name: _small(_rgb(photo)) for name, photo in photos.items()}


def _rgb(photo):
    return numpy.stack([photo] * 3, -1) if photo.ndim == 2 else photo[..., :3]


def _small(photo, longest=800):
    height, width = photo.shape[:2]
    factor = min(1, longest / max(width, height))
    return resized(photo, (round(width * factor), round(height * factor)))


def cached(path, make):
    """Return the arrays of a file, which ``make`` makes the first time."""
    if not path.is_file():
        arrays = make()
        with replacing(path) as temporary, open(temporary, 'wb') as file:
            numpy.savez(file, **arrays)
    with numpy.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def paintings(folder, photos):
    """Return the paintings, arrays of uint8; each is painted once."""
    photos, folder = list(photos.values()), folder / 'paintings'
    folder.mkdir(exist_ok=True)
    pictures = []
    for seed in range(NUM_PAINTINGS):
        path = folder / f'{seed:04d}.png'
        if not path.is_file():
            with replacing(path) as temporary:
                picture = Image.fromarray(painting(seed, photos))
                picture.save(temporary, 'PNG')
        pictures.append(read_picture(path))
    return pictures


class Crops:
    """Pieces of pictures at several sizes, each drawn by a generator."""

    def __init__(self, photos, painted):
        self._photos = [self._pyramid(photo) for photo in photos]
        self._painted = [self._pyramid(each) for each in painted]

    def _pyramid(self, picture):
        """Return a picture at sizes that a crop of ``STYLE_SIDE`` fits."""
        sizes = [picture]
        while min(sizes[-1].shape[:2]) >= STYLE_SIDE / 0.7:
            height, width = sizes[-1].shape[:2]
            smaller = round(width * 0.7), round(height * 0.7)
            sizes.append(resized(picture, smaller))
        return sizes

    def draw(self, rng, side, painted):
        """Return a crop, (3, side, side), floats from 0 to 1.

        ``painted`` is the part of the crops that are of paintings.
        """
        pool = self._painted if rng.random() < painted else self._photos
        sizes = pool[rng.integers(len(pool))]
        picture = sizes[rng.integers(len(sizes))]
        height, width = picture.shape[:2]
        top = rng.integers(height - side + 1)
        left = rng.integers(width - side + 1)
        crop = picture[top : top + side, left : left + side]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        if rng.random() < 0.25:
            # Other colors: there are few photographs.
            crop = crop[..., rng.permutation(3)]
        crop = (crop / 255) ** rng.uniform(0.7, 1.4)
        return crop.transpose(2, 0, 1).astype('float32')


class Features:
    """The loss's network: the features behind each ReLU of a style layer.

    In bfloat16, but for the first convolution, on a processor that has it.
    """

    def __init__(self, weights, precision):
        net = build_net(
            [], list(STYLE_LAYERS), network=NETWORK, weights=weights
        )
        self._blocks, begin = [], 0
        for index in NETWORKS[NETWORK].indices(STYLE_LAYERS):
            layers = [*net[begin : index + 1], nn.Activation('relu')]
            if precision == 'bfloat16' and begin > 0:
                self._blocks.append(bfloat16_segment(layers, 'reflect'))
            else:
                self._blocks.append(_Float32(layers))
            begin = index + 2

    def __call__(self, X):
        features = []
        for block in self._blocks:
            X = block(X)
            features.append(X)
        return features


class _Float32:
    def __init__(self, layers):
        from gluon_style.methods.adain.net import _convolution

        self._layers, self._convolution = layers, _convolution

    def __call__(self, X):
        for layer in self._layers:
            if isinstance(layer, nn.Conv2D):
                X = self._convolution(X, layer)
            elif isinstance(layer, nn.Activation):
                X = npx.activation(X, act_type='relu')
            else:
                X = layer(X)
        return X


def styles(folder, crops, features):
    """Return style crops and the mean and deviation of their features.

    Also the mean squares of the features, by layer and, of the encoder's, by
    channel.
    """

    def make():
        rng = numpy.random.default_rng(1)
        kept, squares = [[] for _ in range(8)], [0] * 4
        for _ in range(NUM_STYLES):
            crop = crops.draw(rng, STYLE_SIDE, 0.8)
            found = features(normalized(np.array(crop[None])))
            for k, each in enumerate(found):
                for j, value in enumerate(mean_and_deviation(each)):
                    kept[2 * k + j].append(value.asnumpy()[0])
                square = np.square(each).mean(axis=(0, 2, 3)).asnumpy()
                squares[k] = squares[k] + square / NUM_STYLES
        arrays = {
            f'style{k}': numpy.stack(each) for k, each in enumerate(kept)
        }
        arrays.update((f'square{k}', each) for k, each in enumerate(squares))
        return arrays

    return cached(folder / 'styles.npz', make)


class Losses:
    """The content loss and the style loss, each relative to its features.

    Content: squared differences of the encoder's features, which have a mean
    square of 1. Style: those of means and deviations, in parts of the layer's
    mean square, summed over the layers.
    """

    def __init__(self, features, table):
        self._features = features
        self._rms = np.array(_rms(table)).reshape(1, -1, 1, 1)
        self._energies = [
            float(table[f'square{k}'].mean()) for k in range(len(STYLE_LAYERS))
        ]

    def __call__(self, Y, target, style):
        """Return both losses of painted pixels.

        ``target`` are the features that the decoder got, ``style`` has the
        mean and the deviation of each layer's.
        """
        found = self._features(Y)
        content = np.square(found[2] / self._rms - target).mean()
        total = 0
        for k, (each, energy) in enumerate(zip(found, self._energies)):
            for value, wanted in zip(mean_and_deviation(each), style[k]):
                total = total + np.square(value - wanted).mean() / energy
        return content, total


def _rms(table):
    return numpy.sqrt(table['square2'] + 1e-3 * table['square2'].mean())


class Training:
    """The decoder and its trainer, as far as they are."""

    def __init__(self, folder, options):
        self._folder = folder
        self._photos = photographs(options.photos)
        painted = paintings(folder, self._photos)
        self._painted = painted
        self._crops = Crops(self._photos.values(), painted)
        features = Features(options.weights, options.precision)
        self._table = styles(folder, self._crops, features)
        self._losses = Losses(features, self._table)
        self._encoder = Encoder(_rms(self._table), options.weights)
        self._decoder = Decoder()
        # MXNet's own generator starts the weights.
        npx.random.seed(0)
        self._decoder.initialize(gluon_init())
        self._parameters = self._decoder.parameters
        self.iteration, self._sums, self._last = 0, [], {}
        self._path, state = folder / 'training.npz', None
        if self._path.is_file():
            state = cached(self._path, None)
            self.iteration = int(state['iteration'])
        self._trainer = gluon.Trainer(
            named_parameters(self._parameters),
            'adam',
            {'learning_rate': RATE, 'begin_num_update': self.iteration},
        )
        if state:
            self._resume(state)

    def _resume(self, state):
        for name, parameter in self._parameters.items():
            parameter.set_data(np.array(state[name]))
        moments = {
            name: [state[f'{name}:{k}'] for k in (0, 1)]
            for name in self._parameters
        }
        set_moments(self._trainer, self._parameters, moments)

    def step(self):
        """Learn from one batch."""
        rng = numpy.random.default_rng([2, self.iteration])
        plain = self.iteration < PLAIN
        X = normalized(
            np.array(
                numpy.stack(
                    [
                        self._crops.draw(rng, SIDE, 0.5 if plain else 0.25)
                        for _ in range(BATCH)
                    ]
                )
            )
        )
        features = self._encoder(X)
        target, style = features, None
        if not plain:
            target, style = self._styled(features, rng)
        with autograd.record():
            Y = self._decoder(target)
            if plain:
                found = self._losses._features(Y)
                content = np.square(
                    found[2] / self._losses._rms - target
                ).mean()
                other = 2 * np.square(Y - X).mean()
                l = content + other
            else:
                content, other = self._losses(Y, target, style)
                l = content + STYLE_WEIGHT * other
        l.backward()
        self._trainer.set_learning_rate(RATE / (1 + self.iteration / HALF))
        self._trainer.step(1)
        self.iteration += 1
        self._sums.append((float(content), float(other)))

    def _styled(self, features, rng):
        """Return the features with styles of the table, and all their layers'.

        Each of the batch has a style of its own.
        """
        chosen = rng.integers(NUM_STYLES, size=BATCH)
        values = [np.array(self._table[f'style{k}'][chosen]) for k in range(8)]
        style = [(values[2 * k], values[2 * k + 1]) for k in range(4)]
        mean, deviation = (value / self._losses._rms for value in style[2])
        own_mean, own_deviation = mean_and_deviation(features)
        normal = (features - own_mean) / own_deviation
        return normal * deviation + mean, style

    def log(self, seconds):
        """Write the mean losses since the last time."""
        content, other = numpy.mean(self._sums, axis=0)
        line = {
            'iteration': self.iteration,
            'content': float(content),
            'pixels' if self.iteration <= PLAIN else 'style': float(other),
            'seconds': round(seconds / len(self._sums), 3),
        }
        self._sums, self._last = [], line
        with open(self._folder / 'log.jsonl', 'a') as file:
            print(json.dumps(line), file=file)

    def save(self):
        """Write what a resumed training needs, and the package's file."""
        arrays = {
            name: parameter.data().asnumpy()
            for name, parameter in self._parameters.items()
        }
        moments = get_moments(self._trainer, self._parameters)
        state = dict(arrays, iteration=numpy.array(self.iteration))
        for name, pair in moments.items():
            state.update((f'{name}:{k}', each) for k, each in enumerate(pair))
        _write(self._path, state)
        write_decoder(
            self._folder / 'decoder.npz',
            arrays,
            _rms(self._table),
            self._about(),
        )

    def _about(self):
        weights = self._encoder.weights
        return {
            'iterations': self.iteration,
            'losses': self._last,
            'photographs': list(self._photos),
            'paintings': NUM_PAINTINGS,
            'encoder': {'source': weights.source, 'sha256': weights.sha256},
            'versions': current_versions(),
        }

    def preview(self):
        """Write a sheet: photographs by row, in the styles of a row."""
        wanted = ('astronaut', 'chelsea', 'stereo_motorcycle')
        contents = [_square(self._photos[name]) for name in wanted]
        painted = [_square(self._painted[k]) for k in (0, 1, 8, 9, 10)]
        blank = numpy.full_like(contents[0], 255)
        rows = [numpy.hstack([blank, contents[0] * 0 + 255, *painted])]
        for content in contents:
            own = [content, content, *painted]
            row = [content] + [self._paint(content, each) for each in own[1:]]
            rows.append(numpy.hstack(row))
        name = f'preview-{self.iteration:07d}.png'
        Image.fromarray(numpy.vstack(rows)).save(self._folder / name)

    def _paint(self, content, style):
        found = [
            self._encoder(
                normalized(
                    np.array(
                        (each / 255).transpose(2, 0, 1)[None].astype('float32')
                    )
                )
            )
            for each in (content, style)
        ]
        Y = pixels(self._decoder(adain(*found)))[0].asnumpy()
        return (255 * Y.transpose(1, 2, 0) + 0.5).astype('uint8')


def _square(picture, side=224):
    height, width = picture.shape[:2]
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    return resized(
        picture[top : top + least, left : left + least], (side, side)
    )


def _write(path, arrays):
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        numpy.savez(file, **arrays)


def gluon_init():
    """Return the start of the weights (He et al. 2015)."""
    from mxnet import init

    return init.MSRAPrelu(factor_type='in', slope=0)


@numpy_mode()
def train(folder, options):
    """Train until the last iteration."""
    training = Training(folder, options)
    saved = logged = time.monotonic()
    while training.iteration < options.iterations:
        training.step()
        now, i = time.monotonic(), training.iteration
        if i % 100 == 0:
            training.log(now - logged)
            logged = now
        if i % PREVIEW_EVERY == 0:
            training.preview()
        if now - saved > SAVE_SECONDS or i == options.iterations:
            training.save()
            saved = now


def main():
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='where all files go')
    parser.add_argument('--photos', help='a folder of more photographs')
    parser.add_argument('--iterations', type=int, default=100_000)
    parser.add_argument('--weights', default='auto')
    parser.add_argument(
        '--precision', choices=['float32', 'bfloat16'], default='float32'
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    train(options.folder, options)


if __name__ == '__main__':
    main()
