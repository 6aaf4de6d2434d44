"""Neural style transfer, the textbook's chapter, on MXNet Gluon.

Importing this package readies MXNet (threads, NumPy's old names,
``npx.set_np()``) without loading it; MXNet itself, which takes seconds,
loads when the first name that needs it is used.
"""

import importlib
import sys
from types import ModuleType

from gluon_style import _mxnet

__version__ = '0.1.0'

_NAMES = {
    'devices': ('try_all_gpus', 'try_gpu'),
    'history': ('Log', 'NonFiniteLossError'),
    'images': (
        'RGB_MEAN',
        'RGB_STD',
        'postprocess',
        'preprocess',
        'read_image',
    ),
    'layers': ('CONTENT_LAYERS', 'LAYER_NAMES', 'STYLE_LAYERS'),
    'losses': (
        'compute_loss',
        'content_loss',
        'gram',
        'style_loss',
        'tv_loss',
    ),
    'objective': ('Objective',),
    'one_picture': ('reconstruct', 'texture'),
    'optim': ('adam', 'lbfgs'),
    'plots': ('Animator', 'browse', 'set_figsize', 'show_images'),
    'results': ('Result',),
    'presets': ('PRESETS',),
    'saving': ('save_image',),
    'settings': ('Settings',),
    'stylize': ('stylize',),
    'synthesis': ('SynthesizedImage', 'get_inits'),
    'train': ('train',),
    'vgg': ('build_net', 'extract_features', 'get_contents', 'get_styles'),
    'weights': ('load_weights',),
}
_MODULE_OF = {name: mod for mod, names in _NAMES.items() for name in names}

__all__ = sorted(_MODULE_OF)

_mxnet.ready()


class _Package(ModuleType):
    """Keep ``gluon_style.train`` the function, whoever imports its module.

    Python binds a submodule to its package once it is imported, which would
    hide the function of the same name.
    """

    def __setattr__(self, name, value):
        if name in _MODULE_OF and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name):
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'gluon_style' has no name {name!r}")
    try:
        module = importlib.import_module(f'gluon_style.{_MODULE_OF[name]}')
    except ModuleNotFoundError as error:
        raise ImportError(_mxnet.explain(error), name=error.name) from error
    return getattr(module, name)


def __dir__():
    return sorted([*globals(), *__all__])
