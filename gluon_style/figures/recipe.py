"""What every recipe of a figure works with: runs, checks, words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
from matplotlib.figure import Figure

from gluon_style import samples
from gluon_style.chapter.plots import write_figure
from gluon_style.figures.comparison import Comparison
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import require_ours
from gluon_style.layers import CONTENT_LAYERS, STYLE_LAYERS
from gluon_style.many.jobs import Job, Observe, run
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.record import PictureId
from gluon_style.records.result import Result


@dataclass(frozen=True)
class Check:
    """A sentence about a figure, and whether it is true of this one.

    ``good`` is None if there is nothing to compare with.
    """

    text: str
    good: bool | None

    def __post_init__(self) -> None:
        if self.good is not None:
            # JSON does not take a bool of NumPy.
            object.__setattr__(self, 'good', bool(self.good))


@dataclass(frozen=True)
class Options:
    """What the user chooses; None leaves the choice to the recipe.

    ``content`` and ``style`` are pictures as for ``stylize``, ``size`` is
    the longest side in pixels. ``quick`` makes smaller and shorter runs.
    ``reference`` is a file of published curves. ``force`` overwrites files
    of other programs.
    """

    content: Any = None
    style: Any = None
    size: int | None = None
    quick: bool = False
    reference: str | None = None
    weights: str = 'auto'
    device: str = 'auto'
    force: bool = False


@dataclass(frozen=True)
class RunSpec:
    """The settings of a run; its size and epochs, in full and when quick.

    ``full`` and ``quick`` are (size, epochs), as in the settings.
    """

    settings: Settings
    full: tuple[int | tuple[int, int], int]
    quick: tuple[int | tuple[int, int], int]

    def chosen(self, options: Options) -> Settings:
        """Return the settings with what the user chose."""
        size, epochs = self.quick if options.quick else self.full
        return self.settings.changed(
            {
                'size': options.size or size,
                'epochs': epochs,
                'weights': options.weights,
                'device': options.device,
            }
        )


# One scale of L-BFGS, for runs that all start from noise, or that have their
# own balance of the losses, which coarser scales would shift.
SINGLE = Settings(antialias=True, optimizer='lbfgs', bounded=True)
FAST = RunSpec(
    PRESETS['chapter-fast'].changed({'antialias': True}),
    full=(300, 80),
    quick=(64, 30),
)


class FigureRuns:
    """The runs of the figure ``name``, and its files in ``folder``.

    The figure is NAME.png, its checks and records are NAME.checks.json, and
    the pictures of its runs are in the folder NAME. Raises GluonStyleError
    if another program's file is in the way.
    """

    def __init__(
        self,
        name: str,
        folder: str | Path,
        options: Options,
        observe: Observe | None = None,
    ) -> None:
        self.name, self.options = name, options
        self.folder = Path(folder)
        self.path = self.folder / f'{name}.png'
        self.checks_path = self.folder / f'{name}.checks.json'
        for path in (self.path, self.checks_path):
            require_ours(path, options.force)
        content, style = options.content, options.style
        self.content = samples.photograph() if content is None else content
        self.style = samples.PAINTING if style is None else style
        self._observe = observe
        self._results: dict[str, Result] = {}

    def result(self, name: str, spec: RunSpec, **changes: Any) -> Result:
        """Return the result of a run, which is made unless it is finished.

        ``name`` is that of its picture; ``changes`` are further settings.
        """
        settings = spec.chosen(self.options).changed(changes)
        job = Job(name, self.content, self.style, settings)
        self._results[name] = run(
            job,
            self.folder / self.name,
            self._observe,
            lambda settings: self.comparison.net,
            self.options.force,
        )
        return self._results[name]

    @cached_property
    def comparison(self) -> Comparison:
        """What compares pictures with the content and the style picture."""
        return Comparison(
            self.options.weights, self.options.device, self.content, self.style
        )

    def save(self, figure: Figure, checks: list[Check]) -> Path:
        """Write the figure and its checks; return the figure's path."""
        options = dict(vars(self.options))
        options.pop('force')
        options['content'] = PictureId.of(self.content).to_json()
        options['style'] = PictureId.of(self.style).to_json()
        table = {
            'figure': self.name,
            'options': options,
            'checks': [asdict(each) for each in checks],
            'runs': {
                name: result.record.to_json()
                for name, result in self._results.items()
            },
        }
        text = json.dumps(table, indent=1) + '\n'
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            picture = stack.enter_context(replacing(self.path))
            beside = stack.enter_context(replacing(self.checks_path))
            write_figure(figure, picture, dpi=150, bbox_inches='tight')
            beside.write_text(text)
        return self.path


@dataclass(frozen=True)
class Recipe:
    """A figure: the function that draws it, and a line about it."""

    draw: Callable[[FigureRuns], tuple[Figure, list[Check]]]
    about: str


def three_decimals(values: Iterable[float]) -> str:
    """Return numbers as words."""
    return ', '.join(f'{value:.3f}' for value in values)


def is_falling(values: Sequence[float]) -> bool:
    """Return whether each value is less than the one before."""
    return all(a > b for a, b in zip(values, values[1:]))


def check_falling(words: str, values: Sequence[float]) -> Check:
    """Check that each value is less than the one before, and tell all."""
    return Check(f'{words}: {three_decimals(values)}', is_falling(values))


def check_rising(words: str, values: Sequence[float]) -> Check:
    """Check that each value is more than the one before, and tell all."""
    text = f'{words}: {three_decimals(values)}'
    return Check(text, is_falling(values[::-1]))


def check_balance(
    comparison: Comparison,
    images: Sequence[numpy.ndarray],
    style_layers: Sequence[str] = STYLE_LAYERS,
    name: str = '',
) -> Iterator[Check]:
    """Yield whether more content weight brings content and costs style.

    The pictures are in the order of their content weights. ``name`` stands
    before the sentences.
    """
    layer = CONTENT_LAYERS[0]
    yield check_falling(
        f'{name}with more content weight the content comes nearer',
        [comparison.content_distance(img, layer) for img in images],
    )
    yield check_rising(
        f'{name}and the style goes away',
        [comparison.style_distance(img, style_layers) for img in images],
    )


def as_power(number: float) -> str:
    """Return a power of ten as such, for matplotlib: 1e-4 as 10^-4."""
    mantissa, exponent = f'{number:e}'.split('e')
    if float(mantissa) == 1:
        return f'$10^{{{int(exponent)}}}$'
    return f'{number:g}'
