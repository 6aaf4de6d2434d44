"""Time a net of one pass of this package; takes a task as JSON.

The task has ``net``, ``size`` and ``repeats``, as in ``with_onnx``.
"""

import json
import sys
import time

import numpy

from gluon_style._mxnet import numpy_mode
from gluon_style.methods.feedforward.build import (
    build_predictor,
    build_transfer_net,
)
from gluon_style.methods.feedforward.styles import from_bottleneck, numbered


@numpy_mode()
def seconds(net, size, repeats):
    """Return the seconds of one pass, each time: passed, and of cores."""
    from mxnet import np

    width, height = size
    pixels = numpy.random.RandomState(0).rand(1, 3, height, width)
    X, others = np.array(pixels, dtype='float32'), ()
    if net == 'predictor':
        block = build_predictor()
    else:
        block = build_transfer_net(net)
        style = from_bottleneck(numpy.zeros(100, 'float32'))
        others = (np.array((numbered(15), style)[net == 'any-style'].vector),)
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter(), time.process_time()
        block(X, *others).wait_to_read()
        ended = time.perf_counter(), time.process_time()
        times.append([end - start for end, start in zip(ended, began)])
    return times[1:]


if __name__ == '__main__':
    print(json.dumps(seconds(**json.loads(sys.argv[1]))))
