"""Read, write, color, mask and animate pictures.

This room does not need MXNet. A picture is a NumPy array (height, width, 3)
of uint8, or of floats from 0 to 1 where a function says so.
"""

from typing import Any

import numpy

# A NumPy array of any shape and type.
Array = numpy.ndarray[Any, Any]
