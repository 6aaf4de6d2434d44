"""What watches a run: progress, a forecast, animation, saved steps, and yours.

``observer.py`` has the protocol.
"""

from gluon_style.methods.observers.frames import (
    Animate,
    SaveSteps,
    is_step,
    require_steps,
    step_path,
)
from gluon_style.methods.observers.observer import (
    Forecast,
    Observer,
    Observers,
    Picture,
    Plan,
)
from gluon_style.methods.observers.progress import (
    Patience,
    Progress,
    with_defaults,
)

__all__ = [
    'Animate',
    'Forecast',
    'Observer',
    'Observers',
    'Patience',
    'Picture',
    'Plan',
    'Progress',
    'SaveSteps',
    'is_step',
    'require_steps',
    'step_path',
    'with_defaults',
]
