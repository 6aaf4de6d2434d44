"""What every recipe of a figure works with: its runs and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gluon_style import samples
from gluon_style.chapter.plots import write_figure
from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.figures.comparison import Comparison, deep_net
from gluon_style.figures.verdict import Check
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import require_folder, require_ours
from gluon_style.layers import NETWORKS, Network, get_network
from gluon_style.many.executors import Executor, Outcome
from gluon_style.many.jobs import Job, Observe, check_job, run
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import Settings
from gluon_style.methods.table import DEFAULT_METHOD, get_method, method_of
from gluon_style.pictures import Array
from gluon_style.records.record import PictureId
from gluon_style.records.result import Result
from gluon_style.weights import WeightsFile, find_weights

# What a figure takes unless its recipe or the user says more: the best that
# can be had.
DEFAULT_NETWORK = 'auto'
_CORNER = {'ha': 'right', 'va': 'top', 'fontsize': 6, 'color': 'gray'}


@dataclass(frozen=True)
class Options:
    """What the user chooses; None leaves the choice to the recipe.

    ``content`` and ``style`` are pictures as for ``stylize``, ``size`` is
    the longest side in pixels. ``quick`` makes smaller and shorter runs.
    ``reference`` is a file of published curves, see ``read_reference``.
    ``network`` and ``weights`` are as in the settings. ``force`` overwrites
    files of other programs.
    """

    content: Any = None
    style: Any = None
    size: int | None = None
    quick: bool = False
    reference: str | None = None
    network: str | None = None
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
                'network': options.network or self.settings.network,
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
    the pictures of its runs are in the folder NAME. ``executor`` says where
    the runs are made: in this process by default, where ``observe`` returns
    their observers. Raises GluonStyleError if another program's file is in
    the way.
    """

    def __init__(
        self,
        name: str,
        folder: str | Path,
        options: Options,
        observe: Observe | None = None,
        executor: Executor | None = None,
    ) -> None:
        self.name, self.options = name, options
        self.folder = Path(folder)
        self.path = self.folder / f'{name}.png'
        self.checks_path = self.folder / f'{name}.checks.json'
        require_folder(self.folder)
        for path in (self.path, self.checks_path):
            require_ours(path, options.force)
        content, style = options.content, options.style
        self.content = samples.photograph() if content is None else content
        self.style = samples.PAINTING if style is None else style
        self._observe, self._executor = observe, executor
        self._results: dict[str, Result] = {}
        self._nets: dict[str, Any] = {}

    def job(self, name: str, spec: RunSpec, **changes: Any) -> Job:
        """Return an optimization; ``name`` is that of its picture.

        ``changes`` are further settings.
        """
        settings = spec.chosen(self.options).changed(changes)
        return Job(name, self.content, self.style, settings)

    def job_of(
        self,
        method: str,
        name: str,
        sizes: tuple[int, int],
        style: Any = None,
        **changes: Any,
    ) -> Job:
        """Return a run by a method's defaults and ``changes``.

        ``sizes`` are its longest sides, in full and when quick; ``style`` is
        another one than the figure's.
        """
        options = self.options
        changes = {
            'size': options.size or sizes[options.quick],
            'device': options.device,
            **changes,
        }
        settings = get_method(method).settings().changed(changes)
        style = self.style if style is None else style
        return Job(name, self.content, style, settings)

    def results(self, jobs: Sequence[Job]) -> list[Result]:
        """Return the results of runs, each made unless it is finished.

        No run needs the result of another one, so that an executor may make
        several at a time. Raises the errors of ``jobs.run``; the first run
        that fails ends the figure.
        """
        folder, force = self.folder / self.name, self.options.force
        # A mistake is an error before weights are fetched.
        for job in jobs:
            check_job(job, folder, force)
        jobs = [self._with_network(job) for job in jobs]
        if self._executor is not None:
            self._make_elsewhere(self._executor, jobs)
        # What an executor has made is read here.
        results = {
            job.name: run(job, folder, self._observe, self._net, force)
            for job in jobs
        }
        self._results.update(results)
        return list(results.values())

    def images(self, jobs: Sequence[Job]) -> list[Array]:
        """Return the pictures of ``results``, (height, width, 3) of uint8."""
        return [result.image for result in self.results(jobs)]

    def _make_elsewhere(self, executor: Executor, jobs: list[Job]) -> None:
        """Let an executor make the runs; raise the error of one that fails."""
        folder, force = self.folder / self.name, self.options.force
        with closing(executor.outcomes(jobs, folder, force)) as outcomes:
            for index, outcome in outcomes:
                if outcome.error is not None:
                    raise _failure(jobs[index].name, outcome)

    def _with_network(self, job: Job) -> Job:
        """Return a job with the network and the weights of the figure."""
        if method_of(job.settings).name != DEFAULT_METHOD:
            return job
        settings = job.settings.changed({'network': self.network.name})
        return replace(job, settings=settings, weights=self._weights)

    @cached_property
    def network(self) -> Network:
        """The network of all runs, so that they can be compared."""
        if isinstance(self._weights, WeightsFile):
            return NETWORKS[self._weights.network]
        return get_network(self.options.network or DEFAULT_NETWORK)

    @cached_property
    def _weights(self) -> str | WeightsFile:
        """The weights asked for; those found, where the network is free."""
        weights, network = self.options.weights, self.options.network
        if (network or DEFAULT_NETWORK) != 'auto':
            return weights
        return find_weights(weights, 'auto')

    @cached_property
    def comparison(self) -> Comparison:
        """What compares pictures with the content and the style picture."""
        return Comparison(
            self._weights,
            self.options.device,
            self.content,
            self.style,
            self.network.name,
        )

    def _net(self, job: Job) -> Any:
        """Return the network for a run, with all layers of any recipe."""
        settings = job.settings
        if settings.pooling == 'max':
            return self.comparison.net
        if settings.pooling not in self._nets:
            self._nets[settings.pooling] = deep_net(
                settings.network,
                self._weights,
                settings.device,
                settings.pooling,
            )
        return self._nets[settings.pooling]

    def save(self, figure: Figure, checks: list[Check]) -> Path:
        """Write the figure and its checks; return the figure's path.

        The figure names the network and the weights in a corner.
        """
        figure.text(0.9, -0.01, self._seen_by(), **_CORNER)
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

    def _seen_by(self) -> str:
        sources = {r.record.weights.source for r in self._results.values()}
        if not sources:
            # A figure without runs sees by the network of its checks.
            sources = {self.comparison.net.weights.source}
        return f'{self.network.title}, weights {", ".join(sorted(sources))}'


def _failure(name: str, outcome: Outcome) -> GluonStyleError:
    """Return the error of a run that failed in another process."""
    sentence = f'{name}: {outcome.error}'
    if outcome.diverged:
        return NonFiniteLossError.elsewhere(sentence)
    return GluonStyleError(sentence)


@dataclass(frozen=True)
class Recipe:
    """A figure: the function that draws it, a line about it, its network.

    ``network`` is taken where the user chooses none.
    """

    draw: Callable[[FigureRuns], tuple[Figure, list[Check]]]
    about: str
    network: str = DEFAULT_NETWORK


def as_power(number: float) -> str:
    """Return a power of ten as such, for matplotlib: 1e-4 as 10^-4."""
    mantissa, exponent = f'{number:e}'.split('e')
    if float(mantissa) == 1:
        return f'$10^{{{int(exponent)}}}$'
    return f'{number:g}'
