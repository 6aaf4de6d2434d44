"""Measure many pictures in several processes, beside one after another.

    make scale            or: PYTHONPATH=tests python -m benchmarks.scale

Pictures an hour by one and two workers of one core each, for three methods;
what a job costs beside the same in this process; many small jobs through one
scheduler, with the memory of the client; the time until the work goes on
after a worker is killed; and one large picture by its tiles. ``paper`` reckons
from the costs measured what limits a thousand workers.
"""

import argparse
import math
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import psutil
from PIL import Image

from gluon_style import open_cluster, samples, stylize
from gluon_style.many.executors import executor_for
from gluon_style.many.jobs import Job
from gluon_style.many.parcels import pack, paint
from gluon_style.many.tile_tasks import Room
from gluon_style.many.tiles import TileWorkers, pixels_in_turn
from gluon_style.methods.gatys.forecast import seen_lengths
from gluon_style.methods.gatys.presets import preset
from gluon_style.methods.observers import Observer
from gluon_style.methods.table import get_method
from gluon_style.pictures.resize import resized

CODE = (
    'import sys, time; from benchmarks.scale import timed;'
    'print(*timed(*sys.argv[1:]))'
)
# A class on a wireless network and a large room, with bytes a second.
NETWORKS = (40, 12.5e6), (1000, 125e6)
_CHOSEN = 'network', 'precision'
# How many pictures of what size a method makes to be timed.
RATES = {
    'feedforward': ('feedforward', 60, 600),
    'fast': ('fast', 6, 256),
    'diffusion': ('diffusion', 12, 128),
}
# The longest side of the pictures before them, for which all is loaded.
FIRST_SIZE = 64
# Bytes of weights that a machine without an index is sent.
WEIGHTS = 80e6


def settings_of(method, size):
    if method == 'fast':
        return preset('fast').changed({'size': size, 'epochs': 20})
    return get_method(method).settings().changed({'size': size})


def jobs_of(method, number, size, content):
    return [
        Job(f'{n:05}', content, samples.PAINTING, settings_of(method, size))
        for n in range(number)
    ]


def timed(method, number, size, workers, content, folder):
    """Return the seconds of some jobs, after a first one each worker."""
    workers = int(workers) or None
    number, size = int(number), int(size)
    with executor_for(workers) as executor:
        first = jobs_of(method, 2 * (workers or 1), FIRST_SIZE, content)
        list(executor.outcomes(first, Path(folder, 'first')))
        began = time.perf_counter()
        jobs = jobs_of(method, number, size, content)
        outcomes = executor.outcomes(jobs, Path(folder, 'all'))
        assert all(outcome.error is None for _, outcome in outcomes)
        return time.perf_counter() - began, number


@contextmanager
def photograph(size):
    with tempfile.TemporaryDirectory() as folder:
        img = samples.photograph()
        height, width = img.shape[:2]
        small = resized(img, (size, round(size * height / width)))
        path = Path(folder, 'photograph.png')
        Image.fromarray(small).save(path)
        yield str(path), folder


def in_a_process(*words):
    """Return the seconds that ``timed`` takes in a process of one core."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', CODE, *map(str, words)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[0])


def of_a_picture(method, number, size, workers):
    """Return the seconds of a picture, of so many by so many workers."""
    with photograph(size) as (content, folder):
        seconds = in_a_process(method, number, size, workers, content, folder)
    return seconds / number


def rates(methods, rounds):
    """Print pictures an hour: the median of rounds, as machines are noisy.

    In each round every number of workers has its turn.
    """
    print(
        '| method | size | pictures | an hour in this process | 1 worker | '
        '2 workers | 2 to 1 | of each round | cost of a job |'
    )
    print('|---|---|---|---|---|---|---|---|---|')
    for method, number, size in methods:
        seconds = [
            [of_a_picture(method, number, size, each) for each in (0, 1, 2)]
            for _ in range(rounds)
        ]
        here, one, two = map(median, zip(*seconds))
        gains = ', '.join(f'{a / b:.2f}' for _, a, b in seconds)
        print(
            f'| {method} | {size} | {number} | {3600 / here:.0f} | '
            f'{3600 / one:.0f} | {3600 / two:.0f} | {one / two:.2f} | '
            f'{gains} | {1000 * (one - here):.0f} ms of {here:.2f} s |',
            flush=True,
        )


def many_small(number):
    """Make many small pictures, and print the client's memory meanwhile.

    Returns the processor's seconds of client and scheduler for a job.
    """
    own, size = psutil.Process(), 64
    with (
        photograph(size) as (content, folder),
        executor_for(2) as executor,
    ):
        jobs = jobs_of('feedforward', number, size, content)
        began, memory = time.perf_counter(), []
        busy = sum(own.cpu_times()[:2])
        outcomes = executor.outcomes(jobs, Path(folder, 'out'))
        for done, (_, outcome) in enumerate(outcomes, start=1):
            assert outcome.error is None
            if done % max(1, number // 10) == 0:
                memory.append(own.memory_info().rss / 1e6)
        seconds = time.perf_counter() - began
        busy = (sum(own.cpu_times()[:2]) - busy) / number
    memory = ', '.join(f'{each:.0f}' for each in memory)
    print(f'{number} pictures of {size} pixels: {seconds:.0f} s')
    print(f'MB of the client and scheduler at each tenth: {memory}')
    print(f'their processor is busy {1000 * busy:.0f} ms for a job')
    return busy


def recovery():
    """Print how long the work stands still after a worker is killed."""
    own = psutil.Process()
    with (
        photograph(300) as (content, folder),
        executor_for(2) as executor,
    ):
        jobs = jobs_of('feedforward', 40, 300, content)
        times, killed = [], None
        for done, _ in enumerate(executor.outcomes(jobs, Path(folder, 'o'))):
            times.append(time.perf_counter())
            if done == 10:
                workers = [
                    child
                    for child in own.children(recursive=True)
                    if child.memory_info().rss > 150e6
                ]
                killed = time.perf_counter()
                workers[0].kill()
    gaps = [b - a for a, b in zip(times, times[1:])]
    after = next(t for t in times if t > killed + 0.01) - killed
    usual = sorted(gaps)[len(gaps) // 2]
    print(
        f'a worker of two is killed: the next picture after {after:.1f} s, '
        f'the longest gap {max(gaps):.1f} s, usually {usual:.1f} s; '
        f'all {len(times)} are made'
    )


class Watch(Observer):
    """Notes when epochs end, and the largest memory of each process."""

    def __init__(self):
        self.times, self.peaks = [], {}
        self._is_over = threading.Event()
        self._sampler = threading.Thread(target=self._sample)

    def begin(self, plan):
        self.tile = plan.tile
        self._sampler.start()

    def epoch(self, history, picture):
        self.times.append(time.perf_counter())

    def close(self):
        self._is_over.set()
        self._sampler.join()

    def _sample(self):
        own = psutil.Process()
        while not self._is_over.wait(0.2):
            for each in own.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    memory = each.memory_info().rss
                    peak = self.peaks.get(each.pid, 0)
                    self.peaks[each.pid] = max(peak, memory)


def one_large(size, epochs=3):
    """Print the seconds of an epoch of one picture, with 1, 2, 4 workers."""
    settings = preset('fast').changed(
        {'size': size, 'scales': 1, 'epochs': epochs}
    )
    print('| workers | tile | seconds of an epoch | GB of a worker |')
    print('|---|---|---|---|')
    of_one = None
    for workers in (1, 2, 4):
        watch = Watch()
        with photograph(max(size)) as (content, _):
            with open_cluster(workers=workers) as cluster:
                result = stylize(
                    content,
                    samples.PAINTING,
                    settings,
                    cluster=cluster,
                    observers=[watch],
                )
        seconds = (watch.times[-1] - watch.times[0]) / (epochs - 1)
        of_one = of_one or seconds
        memory = max(watch.peaks.values()) / 1e9
        print(
            f'| {workers} | {watch.tile} | {seconds:.1f} | {memory:.1f} |',
            flush=True,
        )
    # The network and the precision that 'auto' became.
    own = {name: result.record.settings[name] for name in _CHOSEN}
    settings = settings.changed({**own, 'optimizer': 'adam'})
    large_on_paper(of_one, size, settings)


class OnPaper:
    """So many workers of some bytes each, as ``TileWorkers`` sees them."""

    def __init__(self, count, free):
        self._addresses = [str(number) for number in range(count)]
        self._free, self.client = free, self

    def fit(self):
        return self._addresses

    def run(self, function, *arguments, workers=(), **options):
        return {
            each: Room(each, self._free, math.inf, '1') for each in workers
        }


def large_on_paper(seconds, size, settings):
    """Reckon an epoch of large pictures from that of one with one worker.

    ``seconds`` are those of a picture of ``size`` as a whole.
    """
    rate = seconds / (size[0] * size[1])
    for shape in (size, (6000, 4000)):
        for count, free in ((1, 64e9), (4, 16e9), (8, 4e9), (40, 4e9)):
            tile = TileWorkers(OnPaper(count, free)).choose_tile(
                shape, settings
            )
            turn = pixels_in_turn(shape, settings, tile, count)
            widths, heights = seen_lengths(shape, settings, tile)
            # The pixels there, and their gradient back, of four bytes each.
            traffic = 2 * 12 * sum(widths) * sum(heights)
            print(
                f'{shape[0]}x{shape[1]}, {count} workers of {free / 1e9:.0f} '
                f'GB: {len(widths)}x{len(heights)} tiles, '
                f'{rate * turn:.0f} s an epoch, {traffic / 1e6:.0f} MB'
            )


def paper(seconds_of_the_client):
    """Reckon on paper what forty and a thousand workers are limited by."""
    with photograph(600) as (content, _):
        job = jobs_of('feedforward', 1, 600, content)[0]
        parcel = pack(job)
        there = len(pickle.dumps(parcel))
        back = sum(map(len, paint(parcel).files.values()))
    print(f'a job is {there / 1e6:.2f} MB there and {back / 1e6:.2f} back')
    for workers, network in NETWORKS:
        for seconds in (1, 10, 60):
            jobs = workers / seconds
            weights = workers * WEIGHTS / network / 60
            print(
                f'{workers} workers at {8 * network / 1e6:.0f} Mbit/s, jobs '
                f'of {seconds} s: the network is busy '
                f'{100 * jobs * (there + back) / network:.0f}% of the time, '
                f'the client {100 * jobs * seconds_of_the_client:.0f}%; '
                f'weights to all machines take {weights:.0f} min'
            )


# What is measured, in its order.
PARTS = 'large', *RATES, 'recovery', 'small'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--small', type=int, default=10_000)
    parser.add_argument('--large', type=int, nargs=2, default=(1800, 1200))
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--only', nargs='+', choices=PARTS, default=PARTS)
    args = parser.parse_args()
    if 'large' in args.only:
        one_large(tuple(args.large))
    if methods := [RATES[name] for name in RATES if name in args.only]:
        rates(methods, args.rounds)
    if 'recovery' in args.only:
        recovery()
    if 'small' in args.only:
        paper(many_small(args.small))


if __name__ == '__main__':
    main()
