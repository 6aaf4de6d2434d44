"""Run the ONNX files of the nets with onnxruntime; a task as JSON.

This runs in an environment of its own, with onnxruntime and onnx. Tasks are
{"do": "reference", "folder", "output"}, which writes inputs and outputs, and
{"do": "time", "folder", "net", "size", "repeats"}, which prints seconds.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy
import onnx
import onnxruntime

# Of the style in the stored outputs, and of all timings.
NUMBER = 15


def as_float(path):
    """Return a net without the rounding of its features to 8 bits.

    Weights stay as they are. The size of the picture becomes free.
    """
    model = onnx.load(path)
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    before, kept = {}, []
    for node in graph.node:
        rounds = node.op_type == 'QuantizeLinear' or (
            node.op_type == 'DequantizeLinear' and node.input[0] not in stored
        )
        if rounds:
            before[node.output[0]] = node.input[0]
        else:
            kept.append(node)

    def source(name):
        while name in before:
            name = before[name]
        return name

    for node in kept:
        for i, name in enumerate(node.input):
            node.input[i] = source(name)
    for output in graph.output:
        if source(output.name) != output.name:
            kept.append(
                onnx.helper.make_node(
                    'Identity', [source(output.name)], [output.name]
                )
            )
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)
    for value in (*graph.input, *graph.output):
        sides = value.type.tensor_type.shape.dim
        if len(sides) == 4 and sides[1].dim_value == 384:
            sides[1].dim_param, sides[2].dim_param = 'height', 'width'
    return model.SerializeToString()


def session(folder, name):
    """Return a session of onnxruntime for one of the three files."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ['OMP_NUM_THREADS'])
    options.log_severity_level = 3
    [path] = Path(folder).glob(f'one-pass-{name}-*.onnx')
    return onnxruntime.InferenceSession(
        as_float(path), options, providers=['CPUExecutionProvider']
    )


def runner(folder, name):
    """Return a function from a picture (1, 3, height, width) to another.

    That of 'any-style' takes the predictor's numbers, too.
    """
    net = session(folder, name)
    names = [value.name for value in net.get_inputs()]
    if name == 'styles26':
        weights = numpy.zeros(26, 'float32')
        weights[NUMBER] = 1
        return lambda X: net.run(None, dict(zip(names, (X, weights))))[0]

    def run(X, *numbers):
        inputs = dict(zip(names, (X.transpose(0, 2, 3, 1), *numbers)))
        Y = net.run(None, inputs)[0]
        return Y.transpose(0, 3, 1, 2) if numbers else Y

    return run


def reference(folder, output):
    """Write pictures of noise, and what onnxruntime makes of them."""
    rng = numpy.random.RandomState(0)
    content = rng.randint(0, 256, (1, 3, 48, 64)).astype('uint8')
    style = rng.randint(0, 256, (1, 3, 256, 256)).astype('uint8')
    # Blocks, so that the style has more than noise, and compresses.
    style = style[:, :, ::16, ::16].repeat(16, axis=2).repeat(16, axis=3)
    X = content.astype('float32') / 255
    numbers = runner(folder, 'predictor')(style.astype('float32') / 255)
    arrays = {
        'content': content,
        'style': style,
        'bottleneck': numbers.ravel(),
        'styles26': runner(folder, 'styles26')(X),
        'any_style': runner(folder, 'any-style')(X, numbers),
    }
    numpy.savez_compressed(output, **arrays)


def seconds(folder, net, size, repeats):
    """Return the seconds of one pass, each time: passed, and of cores."""
    width, height = size
    X = numpy.random.RandomState(0).rand(1, 3, height, width).astype('float32')
    run, numbers = runner(folder, net), ()
    if net == 'any-style':
        numbers = (numpy.zeros((1, 1, 1, 100), 'float32'),)
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter(), time.process_time()
        run(X, *numbers)
        ended = time.perf_counter(), time.process_time()
        times.append([end - start for end, start in zip(ended, began)])
    # The first one makes plans.
    return times[1:]


def main():
    task = json.loads(sys.argv[1])
    do = {'reference': reference, 'time': seconds}[task.pop('do')]
    print(json.dumps(do(**task)))


if __name__ == '__main__':
    main()
