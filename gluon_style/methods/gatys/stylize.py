"""One call from two pictures to a stylized one, with all that made it."""

import logging
import math
import os
import platform
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import mxnet
import numpy

from gluon_style import __version__
from gluon_style.chapter.devices import get_device
from gluon_style.chapter.vgg import build_net
from gluon_style.errors import NonFiniteLossError
from gluon_style.layers import names_of
from gluon_style.methods.gatys.checkpoint import (
    Checkpoint,
    identity,
    require_folder,
)
from gluon_style.methods.gatys.config import read_settings
from gluon_style.methods.gatys.forecast import (
    choose_tile,
    free_memory,
    memory_needed,
    seconds_needed,
    size_within,
)
from gluon_style.methods.gatys.frames import Frames
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.records.log import Log
from gluon_style.methods.gatys.presets import reconstruction, texturing
from gluon_style.methods.gatys.scales import coarse_to_fine, plan
from gluon_style.methods.gatys.settings import CHECKPOINT_EVERY, PATIENCE
from gluon_style.pictures.read import as_bytes
from gluon_style.records.result import Result

logger = logging.getLogger(__name__)

# What a run was stopped by, other than by a caller.
LIMIT = 'limit'
# Pixels times epochs of a run that takes minutes on two cores.
BIG_RUN = 2e7


def stylize(
    content,
    style,
    settings='fast',
    *,
    mask=None,
    make_net=build_net,
    callback=None,
    callback_every=None,
    planned=None,
    patience=PATIENCE,
    checkpoint=None,
    resume=False,
    checkpoint_every=None,
    stop=None,
    animation=None,
    save_every=None,
    output=None,
    force=False,
    **changes,
):
    """Return the content picture in the style of the style picture.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3).
    ``style`` may be a list of them (``style_blend``). A ``mask`` keeps the
    first style to where it is white and the second, or none, to where it is
    black. ``content`` or ``style`` may be None: see ``texture`` and
    ``reconstruct``.

    ``settings`` is a ``Settings``, a preset's name, or the path of a .toml or
    of a former run's .json (see ``read_config``); further keywords change
    single settings: ``stylize(a, b, epochs=100)``. ``make_net``, called like
    ``build_net``, may give the same network to several calls.

    ``callback(history, X)`` gets the losses so far, as ``train``'s does, and
    the pixels at hand; on the CPU it is called every epoch unless
    ``callback_every`` says otherwise, on a GPU every tenth, and more often
    where ``save_every`` needs it. ``planned(steps)`` is called before the
    first epoch with a list of ((width, height), epochs), one for each scale.

    ``animation`` is the path of a .gif or .mp4 of the run's pictures, which
    the result writes when it is saved. ``output`` is the path that it will be
    saved as: whether that can be is found out before the run. With
    ``save_every`` the picture of every so many epochs is written beside it,
    as 'out-00020.png'; where another program wrote such a file, it is kept,
    and the run warns, unless ``force`` is true.

    The forecast of a long run is measured and logged before it begins, as a
    warning with the size that would do if it takes more than ``patience``
    seconds.

    ``checkpoint`` is a folder to save in what an interrupted run goes on
    from, with ``resume`` and else the same arguments, to end as one that was
    not: every ``checkpoint_every`` epochs of a scale and at its end. The
    default is 20 for Adam, and 40 for L-BFGS, which begins anew from the best
    pixels each time and is a little slower for it. 0 saves only where
    ``stop`` ends the run.

    ``stop()`` is asked after each epoch; what it returns, if anything, ends
    the run with the best picture so far, whose record has it as 'stopped',
    or 'limit' where one of the settings' limits ended it. The result's
    ``saved`` says how many epochs the checkpoint has.

    Raises ValueError or FileNotFoundError, in one sentence, for what cannot
    work, before anything is computed, and NonFiniteLossError, whose
    ``result`` is the last good result, or None.
    """
    settings = read_settings(settings).changed(changes)
    if checkpoint_every is None:
        checkpoint_every = CHECKPOINT_EVERY[settings.optimizer]
    if checkpoint is not None and checkpoint_every:
        require_folder(checkpoint, resume)
    device = get_device(settings.device)
    inputs = Inputs(content, style, settings, device, mask)
    image_shape = inputs.image_shape()
    size = inputs.original_shape()
    frames = Frames(image_shape, animation, save_every, output, size, force)
    tile = choose_tile(image_shape, settings, device)
    net = make_net(
        names_of(settings.content_layers),
        names_of(settings.style_layers),
        weights=settings.weights,
        device=device,
        pooling=settings.pooling,
    )
    work = image_shape[0] * image_shape[1] * settings.epochs
    if work > BIG_RUN * min(1, patience / PATIENCE):
        _log_forecast(net, image_shape, settings, device, tile, patience)
    steps = plan(settings, image_shape)
    if planned is not None:
        planned([(shape, current.epochs) for shape, current in steps])
    record = {
        **inputs.record,
        **_record(settings, image_shape, net.weights, device),
        'tile': tile,
    }
    callback_every = _callback_every(callback_every, save_every, device)
    log = Log(
        _watched(callback, frames, inputs, callback_every),
        callback_every,
        stop_at=settings.stop_at,
        final_shape=(1, 3, *image_shape[::-1]),
        stop_after=settings.stop_after,
        time_limit=settings.time_limit,
        style_repeats=settings.style_repeats,
        stop=stop,
    )
    keeper = None
    if checkpoint is not None:
        keeper = Checkpoint(
            checkpoint,
            checkpoint_every,
            resume,
            run=identity(record, settings, checkpoint_every),
            steps=steps,
            log=log,
            frames=frames,
            device=device,
        )
    try:
        with keeper or nullcontext():
            X, losses = coarse_to_fine(
                net, inputs, settings, image_shape, log, tile, keeper
            )
    except NonFiniteLossError as error:
        error.result = None
        if error.X is not None:
            error.result = _result(
                inputs, error.X, error.losses, log, record, frames
            )
        raise
    if log.stopped:
        record['stopped'] = str(log.interrupted or LIMIT)
    result = _result(inputs, X, losses, log, record, frames)
    return replace(result, saved=keeper.saved if keeper else 0)


def texture(style, settings='fast', **options):
    """Return a picture of the style picture's texture, from noise.

    Gatys, Ecker & Bethge 2015, 'Texture Synthesis Using Convolutional Neural
    Networks': no content, so that ``size`` is (width, height) or the side of
    a square. With ``tileable=True`` its opposite edges fit each other.
    ``style`` may be a list. Options and errors are ``stylize``'s.
    """
    settings = texturing(read_settings(settings))
    return stylize(None, style, settings, **options)


def reconstruct(content, layer='conv4_2', settings='fast', **options):
    """Return what a layer keeps of the content picture, from noise.

    Mahendran & Vedaldi 2015; figure 1 of Gatys, Ecker & Bethge 2015. No
    style, so that only the features at ``layer``, a name or an index, and a
    little total variation count. Options and errors are ``stylize``'s.
    """
    settings = reconstruction(read_settings(settings), layer)
    return stylize(content, None, settings, **options)


def _callback_every(given, save_every, device):
    """Return the epochs between two callbacks, so that no picture is missed.

    Each makes a GPU wait.
    """
    if given is None:
        given = 1 if device.device_type == 'cpu' else 10
    return math.gcd(given, save_every or given)


def _watched(callback, frames, inputs, every):
    """Return a callback that also takes the pictures that are wanted."""

    def call(history, X):
        if callback is not None:
            callback(history, X)
        epoch = history[-1]['epoch']
        # Not where a run is interrupted, for it may go on.
        if epoch % every == 0 and frames.due(epoch):
            frames.add(epoch, inputs.finished(X))

    return call


def _log_forecast(net, image_shape, settings, device, tile, patience):
    seconds = seconds_needed(net, image_shape, settings, device, tile)
    logger.info(
        '%dx%d pixels%s: about %.1f min for %d epochs, and %.1f GB of the '
        '%.1f GB free',
        *image_shape,
        f' in tiles of {tile}' if tile else '',
        seconds / 60,
        settings.epochs,
        memory_needed(image_shape, settings, tile) / 1e9,
        free_memory(device) / 1e9,
    )
    if seconds > patience:
        smaller = size_within(image_shape, settings, seconds, patience)
        logger.warning(
            'this run will take long: with %dx%d pixels it would take about '
            '%.1f min',
            *smaller,
            seconds / 60 * math.prod(smaller) / math.prod(image_shape),
        )


def _result(inputs, X, losses, log, record, frames):
    if losses['scale'] != (record['width'], record['height']):
        logger.warning(
            'stopped at %dx%d: the picture is enlarged from that',
            *losses['scale'],
        )
    # No seconds, so that the same run gives the same bytes.
    losses = {key: losses[key] for key in losses if key != 'seconds'}
    # What a run without checkpoints needs to begin anew as this one did.
    settings = {**record['settings'], 'restarts': tuple(log.restarts)}
    epochs = len(log.history)
    record = {
        **record,
        'settings': settings,
        'epochs': epochs,
        'losses': losses,
    }
    pixels = inputs.finished(X)
    result = Result(
        as_bytes(pixels), list(log.history), record, pixels, frames.animation
    )
    if frames.size is not None:
        result = result.resized(*frames.size)
    if frames.animation is not None:
        frames.animation.add(result.image, epochs)
    return result


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
