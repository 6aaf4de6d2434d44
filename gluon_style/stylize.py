"""One call from two pictures to a stylized one, with all that made it."""

import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

import mxnet
import numpy
from mxnet import np

from gluon_style import __version__
from gluon_style.devices import get_device
from gluon_style.images import as_bytes, postprocess, read_image, save_image
from gluon_style.settings import preset
from gluon_style.sources import file_digest
from gluon_style.train import NonFiniteLossError, train
from gluon_style.vgg import build_net, get_contents, get_styles


@dataclass(frozen=True)
class Result:
    """A stylized picture and how it came about.

    ``image`` is a NumPy array (height, width, 3) of uint8, ``history`` the
    list of ``train``, and ``record`` a dictionary fit for JSON: the settings
    as used, versions, the weights' source and hash, the device.
    """

    image: numpy.ndarray = field(repr=False)
    history: list = field(repr=False)
    record: dict

    def save(self, path):
        """Write the picture as PNG with the record in its metadata."""
        save_image(self.image, path, self.record)


def stylize(
    content,
    style,
    settings='chapter',
    *,
    callback=None,
    callback_every=None,
    **changes,
):
    """Return the content picture in the style of the style picture.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3).
    ``settings`` is a ``Settings`` or a preset's name; further keywords
    change single settings: ``stylize(a, b, epochs=100)``. ``callback`` is
    ``train``'s; on the CPU it is called every epoch unless
    ``callback_every`` says otherwise, on a GPU every tenth.

    Raises ValueError or FileNotFoundError, in one sentence, for what cannot
    work, before anything is computed, and NonFiniteLossError, whose
    ``result`` is the last good result, or None.
    """
    if isinstance(settings, str):
        settings = preset(settings)
    settings = settings.changed(changes)
    device = get_device(settings.device)
    content_img, style_img = read_image(content), read_image(style)
    height, width = content_img.shape[:2]
    image_shape = settings.image_shape(width, height)
    layers = {
        'content_layers': settings.content_layers,
        'style_layers': settings.style_layers,
    }
    net = build_net(**layers, weights=settings.weights, device=device)
    content_X, contents_Y = get_contents(
        net, content_img, image_shape, device, **layers
    )
    _, styles_Y = get_styles(net, style_img, image_shape, device, **layers)
    record = {
        'content': _file_record(content),
        'style': _file_record(style),
        **_record(settings, image_shape, net.weights, device),
    }
    history = []

    def keep(entries, X):
        history[:] = entries
        if callback is not None:
            callback(entries, X)

    try:
        X = train(
            net,
            _first_pixels(content_X, settings),
            contents_Y,
            styles_Y,
            device,
            settings.lr,
            settings.epochs,
            settings.lr_decay_epoch,
            **layers,
            content_weight=settings.content_weight,
            style_weight=settings.style_weight,
            tv_weight=settings.tv_weight,
            callback=keep,
            callback_every=callback_every
            or (1 if device.device_type == 'cpu' else 10),
        )
    except NonFiniteLossError as error:
        error.result = None
        if error.X is not None:
            error.result = _result(error.X, error.history, record)
        raise
    return _result(X, history, record)


def _first_pixels(content_X, settings):
    if settings.init == 'content':
        return content_X
    # NumPy's generator, so that a seed means the same on every device.
    noise = numpy.random.RandomState(settings.seed).normal(
        size=content_X.shape
    )
    return np.array(noise, dtype='float32', ctx=content_X.ctx)


def _result(X, history, record):
    image = as_bytes(postprocess(X))
    return Result(image, list(history), {**record, 'epochs': len(history)})


def _file_record(source):
    """Return name and hash of a picture's file; an array has neither."""
    if not isinstance(source, (str, Path)):
        return None
    return {'file': Path(source).name, 'sha256': file_digest(source)}


def _record(settings, image_shape, weights, device):
    return {
        'settings': asdict(settings),
        'width': image_shape[0],
        'height': image_shape[1],
        'weights': {
            'source': weights.source,
            'file': Path(weights.path).name,
            'sha256': weights.sha256,
            'reason': weights.reason,
        },
        'device': str(device),
        'threads': os.environ.get('OMP_NUM_THREADS'),
        'versions': {
            'gluon_style': __version__,
            'mxnet': mxnet.__version__,
            'numpy': numpy.__version__,
            'python': platform.python_version(),
        },
    }
