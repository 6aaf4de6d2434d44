"""Write what the peers take, or tell the chapter's loss of pictures.

prepare.py input CONTENT STYLE WIDTH HEIGHT OUT.npz
prepare.py totals CONTENT STYLE WIDTH HEIGHT PICTURE... (prints JSON)
"""

import json
import sys

import numpy
from bench import CONVOLUTIONS

from gluon_style import (
    Objective,
    build_net,
    load_weights,
    preprocess,
    read_image,
)


def main():
    kind, content, style, width, height, *paths = sys.argv[1:]
    shape = int(width), int(height)
    content_X, style_X = (
        preprocess(read_image(path), shape) for path in (content, style)
    )
    if kind == 'input':
        layers = load_weights('oxford', CONVOLUTIONS).layers
        arrays = {
            f'{name}.{part}': array
            for name, pair in layers.items()
            for part, array in zip(('weight', 'bias'), pair)
        }
        numpy.savez(
            paths[0],
            content_X=content_X.asnumpy(),
            style_X=style_X.asnumpy(),
            **arrays,
        )
        return
    objective = Objective(build_net(weights='oxford'), content_X, style_X)
    totals = []
    for path in paths:
        X = preprocess(read_image(path), shape)
        X.attach_grad('add')
        totals.append(sum(float(loss) for loss in objective(X)))
    print(json.dumps(totals))


if __name__ == '__main__':
    main()
