"""Where a run stands between two epochs, to go on from."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class State:
    """The scale a run is at, the epochs done there, and what it has then.

    ``X`` are the pixels, (1, 3, height, width), or None for a start anew.
    ``arrays`` of the same shape and ``numbers`` are what the optimizer
    remembers, by name. ``ended`` says that the scale is done.
    """

    scale: int = 0
    epoch: int = 0
    X: object = None
    arrays: dict = field(default_factory=dict)
    numbers: dict = field(default_factory=dict)
    ended: bool = False
