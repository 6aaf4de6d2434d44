"""The versions that a record says a result was made with."""

from __future__ import annotations

import platform
from typing import Any

import numpy

from gluon_style import __version__
from gluon_style._mxnet import installed_version


def current_versions() -> dict[str, Any]:
    """Return the version of each part that decides about the numbers."""
    return {
        'gluon_style': __version__,
        'mxnet': installed_version(),
        'numpy': numpy.__version__,
        'python': platform.python_version(),
    }
