"""What every program measured here shares: its input, and what it reports.

Only NumPy and the standard library are used, for it runs in each program's
own environment.
"""

import argparse
import json
import re
import time
from pathlib import Path

import numpy


def arguments():
    """Return the command line: INPUT.npz OUT.json EPOCHS [--mode MODE]."""
    parser = argparse.ArgumentParser()
    parser.add_argument('input')
    parser.add_argument('output')
    parser.add_argument('epochs', type=int)
    parser.add_argument('--mode', default='')
    return parser.parse_args()


def read_input(path):
    """Return the content and style pixels and the weights by layer."""
    with numpy.load(path) as file:
        arrays = dict(file)
    content_X, style_X = arrays.pop('content_X'), arrays.pop('style_X')
    return content_X, style_X, arrays


class Clock:
    """The losses of each epoch, and when they were known."""

    def __init__(self):
        self._began = time.perf_counter()
        self.totals, self.seconds, self.cpu_seconds = [], [], []

    def tick(self, total):
        self.totals.append(float(total))
        self.seconds.append(time.perf_counter() - self._began)
        # Of all threads; other than seconds, they do not grow when another
        # program, or another guest of the same host, takes the processors.
        self.cpu_seconds.append(time.process_time())

    def write(self, path, **more):
        result = {
            'totals': self.totals,
            'seconds': self.seconds,
            'cpu_seconds': self.cpu_seconds,
            'peak_bytes': peak_bytes(),
            **more,
        }
        Path(path).write_text(json.dumps(result))


def peak_bytes():
    """Return the most memory this process has held (Linux)."""
    status = Path('/proc/self/status').read_text()
    return 1024 * int(re.search(r'VmHWM:\s+(\d+)', status)[1])
