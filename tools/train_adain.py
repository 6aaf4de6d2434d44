"""Train the decoder of AdaIN (Huang & Belongie 2017) on free pictures.

    python tools/train_adain.py FOLDER [--iterations N] [--paintings N]

It needs PyTorch, SciPy and Pillow, and nothing of this package, so that it
may run where there is a GPU, on which MXNet does not: its last release knows
no GPU of today. FOLDER is what ``adain_decoder.py prepare`` wrote. There the
training goes on where it was interrupted; it saves every minute.

The decoder first learns to give pictures back (an auto-encoder), while the
paintings are painted; then to give them the means and deviations of other
pictures' features. ``decoder.npz`` is what it has learned, ``trained.json``
how, and ``log.jsonl`` has the losses.
"""

import argparse
import json
import math
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy
import torch
from paint_styles import painting
from PIL import Image
from torch import nn
from torch.nn import functional

# ImageNet's, by channel.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STYLE_LAYERS = 'conv1_1', 'conv2_1', 'conv3_1', 'conv4_1'
SIDE, BATCH, CROPS = 256, 8, 8000
# The paper's. Here losses are relative: see ``Losses``.
STYLE_WEIGHT = 10.0
# The part of the iterations that only gives pictures back.
PLAIN = 0.06
RATE, SAVE_SECONDS = 5e-4, 60
_EPSILON = 1e-5


class Encoder(nn.Module):
    """The truncated VGG with reflected edges, frozen.

    Returns the features behind the ReLU of each style layer.
    """

    def __init__(self, arrays):
        super().__init__()
        self._names = [
            name[: -len('.weight')]
            for name in arrays
            if name.endswith('.weight')
        ]
        self._layers = nn.ModuleList()
        for name in self._names:
            weight, bias = (
                torch.from_numpy(arrays[f'{name}.{kind}'])
                for kind in ('weight', 'bias')
            )
            layer = _convolution(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight, bias
            self._layers.append(layer)
        self.requires_grad_(False)

    def forward(self, X):
        features, block = [], '1'
        for name, layer in zip(self._names, self._layers):
            if name[len('conv')] != block:
                X, block = functional.max_pool2d(X, 2), name[len('conv')]
            X = functional.relu(layer(X))
            if name in STYLE_LAYERS:
                features.append(X)
        return features


def _convolution(in_channels, channels):
    return nn.Conv2d(
        in_channels, channels, 3, padding=1, padding_mode='reflect'
    )


class Decoder(nn.Module):
    """The mirrored encoder; ``steps`` are those of the package's layout."""

    def __init__(self, steps):
        super().__init__()
        self.convolutions = nn.ModuleList()
        layers = []
        for step in steps:
            if step == 'x2':
                layers.append(nn.Upsample(scale_factor=2, mode='nearest'))
                continue
            layer = _convolution(*step)
            self.convolutions.append(layer)
            layers += [layer, nn.ReLU()]
        self._layers = nn.Sequential(*layers[:-1])

    def forward(self, features):
        return self._layers(features)

    def arrays(self):
        """Return the parameters as the package names them."""
        return {
            f'conv{k}.{kind}': getattr(layer, kind)
            .detach()
            .float()
            .contiguous()
            .cpu()
            .numpy()
            for k, layer in enumerate(self.convolutions)
            for kind in ('weight', 'bias')
        }


def mean_and_deviation(features):
    """Return the mean and the deviation of each channel over all places."""
    features = features.float()
    variance, mean = torch.var_mean(
        features, dim=(2, 3), keepdim=True, correction=0
    )
    return mean, (variance + _EPSILON).sqrt()


class Crops:
    """Many crops of pictures at many sizes, uint8, where the training is.

    A crop's side is from half of the shorter side of its picture to all of
    it, at which the picture's sides are at most as long as they are.
    """

    def __init__(self, pictures, count, seed, device):
        rng = numpy.random.default_rng(seed)
        self._all = torch.empty(
            (count, 3, SIDE, SIDE), dtype=torch.uint8, device=device
        )
        pictures = [
            torch.from_numpy(picture.transpose(2, 0, 1).copy()).to(device)
            for picture in pictures
        ]
        for k in range(count):
            picture = pictures[k % len(pictures)]
            height, width = picture.shape[1:]
            side = int(min(height, width) * rng.uniform(0.5, 1))
            top = rng.integers(height - side + 1)
            left = rng.integers(width - side + 1)
            crop = picture[None, :, top : top + side, left : left + side]
            crop = functional.interpolate(
                crop.float(),
                (SIDE, SIDE),
                mode='bilinear',
                antialias=True,
                align_corners=False,
            )
            self._all[k] = crop[0].round().clamp(0, 255).to(torch.uint8)

    def draw(self, rng, count):
        """Return crops (count, 3, SIDE, SIDE) of pixels from 0 to 1.

        Some are mirrored, lighter or darker, or have their channels changed.
        """
        device = self._all.device
        chosen = torch.from_numpy(rng.integers(len(self._all), size=count))
        X = self._all[chosen.to(device)].float() / 255
        X = torch.stack(
            [
                x.flip(-1) if mirrored else x
                for x, mirrored in zip(X, rng.random(count) < 0.5)
            ]
        )
        orders = [
            rng.permutation(3) if other else numpy.arange(3)
            for other in rng.random(count) < 0.25
        ]
        orders = torch.from_numpy(numpy.stack(orders)).to(device)
        X = torch.take_along_dim(X, orders[:, :, None, None], dim=1)
        power = rng.uniform(0.7, 1.4, (count, 1, 1, 1))
        return X ** torch.from_numpy(power).float().to(device)


class Losses:
    """The content loss and the style loss, each relative to its features.

    Content: squared differences of the last features, which have a mean
    square of 1. Style: those of means and deviations, in parts of the layer's
    mean square, summed over the layers.
    """

    def __init__(self, squares):
        self.scale = 1 / _rms(squares[-1])[:, None, None]
        self._energies = [each.mean() for each in squares]

    def content(self, found, target):
        return (found[-1].float() * self.scale - target).square().mean()

    def style(self, found, wanted):
        """``wanted`` has the mean and the deviation of each layer."""
        return sum(
            (value - other).square().mean() / energy
            for each, energy, pair in zip(found, self._energies, wanted)
            for value, other in zip(mean_and_deviation(each), pair)
        )


def _rms(squares):
    return (squares + 1e-3 * squares.mean()).sqrt()


class Training:
    """The decoder and its optimizer, as far as they are."""

    def __init__(self, folder, options):
        self._folder, self._options = folder, options
        photos = self._pictures('photographs')
        # The painters are copies of this process: before it has threads.
        painters = ProcessPoolExecutor(
            max(1, (os.cpu_count() or 1) - 1),
            multiprocessing.get_context('fork'),
            initializer=_keep,
            initargs=[photos],
        )
        self._painted = [
            painters.submit(_paint, seed) for seed in range(options.paintings)
        ]
        self._device = torch.device(options.device)
        text = json.loads((folder / 'about.json').read_text())
        self._about = text['about']
        with numpy.load(folder / 'encoder.npz') as file:
            arrays = {name: file[name] for name in file.files}
        self._encoder = self._placed(Encoder(arrays))
        torch.manual_seed(0)
        self._decoder = self._placed(Decoder(text['decoder']))
        self._optimizer = torch.optim.Adam(self._decoder.parameters(), RATE)
        self.iteration, self._sums, self._last = 0, [], {}
        self._state = folder / 'training.pt'
        if self._state.is_file():
            state = torch.load(self._state, self._device, weights_only=True)
            self._decoder.load_state_dict(state['decoder'])
            self._optimizer.load_state_dict(state['optimizer'])
            self.iteration = state['iteration']
        self._photos = self._crops(photos, 1)
        self._losses = Losses(self._squares())
        self._styles = None

    def _placed(self, net):
        return net.to(self._device, memory_format=torch.channels_last)

    def _pictures(self, kind):
        return [
            numpy.asarray(Image.open(path).convert('RGB'))
            for path in sorted((self._folder / kind).iterdir())
        ]

    def _crops(self, pictures, seed):
        return Crops(pictures, self._options.crops, seed, self._device)

    def _encoded(self, X):
        mean, std = (
            torch.tensor(each, device=self._device)[:, None, None]
            for each in (MEAN, STD)
        )
        return self._features((X - mean) / std)

    def _features(self, X):
        X = X.contiguous(memory_format=torch.channels_last)
        with self._half():
            return self._encoder(X)

    def _half(self):
        return torch.autocast(
            self._device.type,
            torch.bfloat16,
            enabled=self._device.type == 'cuda',
        )

    @torch.no_grad()
    def _squares(self):
        """Return each layer's mean square, by channel."""
        rng, total, batches = numpy.random.default_rng(3), None, 40
        for _ in range(batches):
            found = [
                each.float().square().mean((0, 2, 3)) / batches
                for each in self._encoded(self._photos.draw(rng, BATCH))
            ]
            total = (
                found
                if total is None
                else [a + b for a, b in zip(total, found)]
            )
        return total

    def _wait_for_paintings(self):
        pictures = self._pictures('paintings')
        # Those by people count ten times.
        pictures = pictures * 10 + [each.result() for each in self._painted]
        self._styles = self._crops(pictures, 2)
        print('painted', flush=True)

    def step(self):
        """Learn from one batch."""
        total = self._options.iterations
        plain = self.iteration < PLAIN * total
        if not plain and self._styles is None:
            self._wait_for_paintings()
        rng = numpy.random.default_rng([4, self.iteration])
        rate = RATE * (1 + math.cos(math.pi * self.iteration / total)) / 2
        for group in self._optimizer.param_groups:
            group['lr'] = rate * min(1, (self.iteration + 1) / 200)
        with torch.no_grad():
            X = self._photos.draw(rng, BATCH)
            own = self._encoded(X)
            target = own[-1].float() * self._losses.scale
            wanted = [mean_and_deviation(each) for each in own]
            if not plain:
                target, wanted = self._styled(target, wanted, rng)
        with self._half():
            Y = self._decoder(
                target.contiguous(memory_format=torch.channels_last)
            )
        found = self._features(Y)
        content = self._losses.content(found, target)
        style = self._losses.style(found, wanted)
        l = content + STYLE_WEIGHT * style
        if plain:
            mean, std = (
                torch.tensor(each, device=self._device)[:, None, None]
                for each in (MEAN, STD)
            )
            l = l + 2 * (Y.float() - (X - mean) / std).square().mean()
        self._optimizer.zero_grad(set_to_none=True)
        l.backward()
        self._optimizer.step()
        self.iteration += 1
        self._sums.append(torch.stack([content, style]).detach())

    def _styled(self, target, own, rng):
        """Return the features with other styles, and all layers' statistics.

        The first of the batch keeps its own style.
        """
        found = self._encoded(self._styles.draw(rng, BATCH - 1))
        wanted = [
            [
                torch.cat([a[:1], b])
                for a, b in zip(pair, mean_and_deviation(each))
            ]
            for pair, each in zip(own, found)
        ]
        scale = self._losses.scale
        mean, deviation = (each * scale for each in wanted[-1])
        own_mean, own_deviation = mean_and_deviation(target)
        normal = (target - own_mean) / own_deviation
        return normal * deviation + mean, wanted

    def log(self, seconds):
        """Write the mean losses since the last time."""
        content, style = torch.stack(self._sums).mean(0).tolist()
        line = {
            'iteration': self.iteration,
            'content': round(content, 4),
            'style': round(style, 4),
            'seconds': round(seconds / len(self._sums), 4),
        }
        self._sums, self._last = [], line
        with open(self._folder / 'log.jsonl', 'a') as file:
            print(json.dumps(line), file=file)
        print(line, flush=True)

    def save(self):
        """Write what a resumed training needs, and what was learned."""
        _replace(
            self._state,
            lambda file: torch.save(
                {
                    'decoder': self._decoder.state_dict(),
                    'optimizer': self._optimizer.state_dict(),
                    'iteration': self.iteration,
                },
                file,
            ),
        )
        rms = (1 / self._losses.scale).reshape(-1).cpu().numpy()
        arrays = dict(self._decoder.arrays(), rms=rms)
        _replace(
            self._folder / 'decoder.npz',
            lambda file: numpy.savez(file, **arrays),
        )
        about = {
            **self._about,
            'painted': self._options.paintings,
            'iterations': self.iteration,
            'of': self._options.iterations,
            'losses': self._last,
            'torch': torch.__version__,
        }
        text = json.dumps(about, indent=1).encode()
        _replace(self._folder / 'trained.json', lambda file: file.write(text))


def _replace(path, write):
    temporary = path.with_name(path.name + '.tmp')
    with open(temporary, 'wb') as file:
        write(file)
    temporary.replace(path)


def _keep(photos):
    global _photos
    _photos = photos


def _paint(seed):
    return painting(seed, _photos)


def _main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('folder', metavar='FOLDER', type=Path)
    parser.add_argument('--iterations', type=int, default=40000)
    parser.add_argument('--paintings', type=int, default=1000)
    parser.add_argument('--crops', type=int, default=CROPS)
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu'
    )
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    training = Training(options.folder, options)
    since = saved = time.perf_counter()
    print('ready', flush=True)
    while training.iteration < options.iterations:
        training.step()
        if training.iteration % 200 == 0:
            now = time.perf_counter()
            training.log(now - since)
            since = now
            if now - saved > SAVE_SECONDS:
                training.save()
                saved = now
    training.save()


if __name__ == '__main__':
    _main()
