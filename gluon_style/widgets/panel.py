"""The panel: two pictures, a slider that answers at once, a download."""

from __future__ import annotations

import base64
import functools
import html
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

from gluon_style import samples
from gluon_style.errors import GluonStyleError
from gluon_style.methods.observers import Observer, Picture, Plan
from gluon_style.methods.stylize import stylize
from gluon_style.methods.table import DEFAULT_METHOD, METHODS, get_method
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.records.record import Epoch
from gluon_style.records.result import Result
from gluon_style.widgets.choice import Choice
from gluon_style.widgets.work import Worker

# The method that answers a slider.
FAST = 'feedforward'
# The longest side of what the slider shows.
_PREVIEW = 400
# Seconds between two pictures of a run.
_LIVE_EVERY = 0.5
_LARGEST_SIZE = 4096


def panel(content: Any = None, style: Any = None) -> Panel:
    """Return a panel for a notebook, which shows it at a cell's end.

    Choose or upload a photograph and a painting. The slider of the strength
    answers at once, with one pass of a net. A button paints by the method
    chosen, with the picture so far; then the picture and its record can be
    downloaded. ``content`` and ``style`` are offered beside the samples:
    paths, Pillow images or uint8 arrays (height, width, 3). Raises
    GluonStyleError or FileNotFoundError for what is not a picture.
    """
    return Panel(content, style)


class Panel(ipywidgets.VBox):
    """The widgets of ``panel``, by name, and what they do.

    ``result`` is the ``Result`` that was painted last, or None.
    """

    def __init__(self, content: Any = None, style: Any = None) -> None:
        self.result: Result | None = None
        self._worker, self._wants_stop = Worker(), False
        # Uploads are files, so that a record has their names and hashes.
        self._uploads = tempfile.TemporaryDirectory(prefix='gluon_style-')
        self.content = Choice(
            'photograph',
            {'the sample cat': samples.photograph(), **_photographs()},
            content,
            Path(self._uploads.name, 'content'),
            self._preview,
        )
        self.style = Choice(
            'painting',
            {'the sample painting': samples.PAINTING},
            style,
            Path(self._uploads.name, 'style'),
            self._preview,
        )
        self._make_controls()
        self._make_outputs()
        super().__init__(
            [
                ipywidgets.HBox([self.content.box, self.style.box]),
                self.strength,
                ipywidgets.HBox([self.method, self.size]),
                ipywidgets.HBox([self.paint, self.stop, self.progress]),
                self.status,
                self.picture,
                self.download,
            ]
        )
        self._preview()

    def _make_controls(self) -> None:
        self.strength = ipywidgets.FloatSlider(
            1.0, min=0, max=1, step=0.05, description='strength'
        )
        self.strength.observe(lambda _: self._preview(), 'value')
        self.method = ipywidgets.Dropdown(
            options=[
                (f'{m.name}: {m.title}', m.name) for m in METHODS.values()
            ],
            value=DEFAULT_METHOD,
            description='method',
        )
        self.size = ipywidgets.BoundedIntText(
            450, min=32, max=_LARGEST_SIZE, description='longest side'
        )
        self.paint = ipywidgets.Button(
            description='Paint it properly', button_style='primary'
        )
        self.paint.on_click(lambda _: self._start())
        self.stop = ipywidgets.Button(description='Stop', disabled=True)
        self.stop.on_click(lambda _: self._ask_to_stop())

    def _make_outputs(self) -> None:
        self.progress = ipywidgets.FloatProgress(0, min=0, max=1)
        self.status = ipywidgets.Label()
        self.picture = ipywidgets.Image(format='jpeg')
        self.download = ipywidgets.HTML()

    def wait(self, seconds: float = 600) -> bool:
        """Wait until all that was asked for is done; return whether it is."""
        return self._worker.wait(seconds)

    def _preview(self) -> None:
        """Have the fast method paint with the slider's strength."""
        self._worker.do(
            functools.partial(
                self._guarded,
                self._show_preview,
                self.content.value,
                self.style.value,
                self.strength.value,
            )
        )

    def _show_preview(self, content: Any, style: Any, strength: float) -> None:
        began = time.perf_counter()
        shape = read_picture(content).shape
        result = stylize(
            content,
            style,
            method=FAST,
            strength=strength,
            size=min(_PREVIEW, max(shape[:2])),
            observers=[],
        )
        self._show(result.image)
        seconds = time.perf_counter() - began
        self.status.value = f'one pass, {seconds:.1f} s'

    def _start(self) -> None:
        """Paint by the method chosen, and offer the result."""
        self._wants_stop = False
        self._set_working(True)
        settings = {'size': self.size.value}
        names = {
            f.name for f in fields(get_method(self.method.value).settings)
        }
        if 'strength' in names:
            settings['strength'] = self.strength.value
        self._worker.do(
            functools.partial(
                self._guarded,
                self._paint,
                self.content.value,
                self.style.value,
                self.method.value,
                settings,
            )
        )

    def _paint(
        self, content: Any, style: Any, method: str, settings: dict[str, Any]
    ) -> None:
        try:
            began = time.perf_counter()
            result = stylize(
                content,
                style,
                method=method,
                observers=[_Live(self)],
                **settings,
            )
            self.result = result
            self._show(result.image)
            self.download.value = _links(result)
            self.status.value = (
                f'{method}, {result.record.width}x{result.record.height} '
                f'pixels, {time.perf_counter() - began:.1f} s'
            )
        finally:
            self._set_working(False)

    def _guarded(self, job: Callable[..., None], *args: Any) -> None:
        """Do a job; say in a sentence what a user can mend."""
        try:
            job(*args)
        except (GluonStyleError, OSError) as error:
            self.status.value = str(error)

    def _ask_to_stop(self) -> None:
        self._wants_stop = True
        self.status.value = 'stopping after this step'

    def _set_working(self, is_working: bool) -> None:
        """Leave only Stop to a user while a picture is painted."""
        self.stop.disabled = not is_working
        others = [self.paint, self.strength, self.method, self.size]
        for each in (*others, *self.content.widgets, *self.style.widgets):
            each.disabled = is_working
        self.progress.value = 0

    def _show(self, img: Any) -> None:
        file = io.BytesIO()
        Image.fromarray(as_bytes(img)).save(file, 'JPEG', quality=92)
        self.picture.value = file.getvalue()


class _Live(Observer):
    """Shows in a panel how far a run is, and stops it when that asks."""

    def __init__(self, panel: Panel) -> None:
        self._panel, self._shown = panel, 0.0
        self._total = 0

    def begin(self, plan: Plan) -> None:
        self._total = sum(epochs for _, epochs in plan.steps)
        self._panel.status.value = 'painting'

    def stop(self) -> str | None:
        return 'panel' if self._panel._wants_stop else None

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        now = time.monotonic()
        if now - self._shown < _LIVE_EVERY:
            return
        self._shown = now
        self._panel.progress.value = len(history) / max(1, self._total)
        self._panel.status.value = (
            f'step {len(history)} of {self._total}, loss '
            f'{history[-1].total:.2f}'
        )
        self._panel._show(picture())


def _photographs() -> dict[str, Any]:
    """Return further photographs of scikit-image, which come with it."""
    from skimage import data

    return {
        'an astronaut': data.astronaut(),
        'a cup of coffee': data.coffee(),
        'a rocket': data.rocket(),
    }


def _links(result: Result) -> str:
    """Return links that download the picture and its record."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'painted.png')
        result.save(path)
        files = [
            (file.name, kind, base64.b64encode(file.read_bytes()).decode())
            for file, kind in (
                (path, 'image/png'),
                (path.with_suffix('.json'), 'application/json'),
            )
        ]
    return ' '.join(
        f'<a download="{html.escape(name)}" '
        f'href="data:{kind};base64,{content}">{html.escape(name)}</a>'
        for name, kind, content in files
    )
