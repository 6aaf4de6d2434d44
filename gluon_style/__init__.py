"""Neural style transfer, the textbook's chapter, on MXNet Gluon.

Importing this package prepares MXNet (threads, NumPy's old names) but does
not import it, which takes seconds: the first name that needs MXNet does.
MXNet's mode is left as it is. ``__init__.pyi`` lists the public names.
"""

import lazy_loader

from gluon_style import _mxnet

__version__ = '0.1.0'

_mxnet.prepare()

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name):
    """Load a public name when it is first used."""
    with _mxnet.explained():
        return _load(name)
