"""Neural style transfer, the textbook's chapter, on MXNet Gluon.

Importing this package prepares MXNet (threads, NumPy's old names) without
loading it. MXNet itself takes seconds; it loads when the first name that
needs it is used. ``__init__.pyi`` lists the public names.
"""

import lazy_loader

from gluon_style import _mxnet

__version__ = '0.1.0'

_mxnet.ready()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
