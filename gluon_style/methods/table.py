"""The table of methods: a line for each, as ``model_zoo.get_model`` has.

Adding a method means a folder beside this module, with ``settings`` and
``stylize``, and a line here. Nothing of a method is imported before it is
used, since MXNet takes seconds, and NumPy takes a tenth of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gluon_style.methods.fields import Validated, require_known

if TYPE_CHECKING:
    from gluon_style.records.record import PictureId
    from gluon_style.records.result import Result


@dataclass(frozen=True)
class Method:
    """A method: its name, which is its folder's, and a line about it.

    ``has_epochs`` says whether its results have losses and a history,
    ``names_styles`` whether a style may be other than a picture.
    """

    name: str
    title: str
    has_epochs: bool
    names_styles: bool

    @property
    def settings(self) -> type[Validated]:
        """The class of its settings."""
        return self._module('settings').Settings

    def default_settings(self) -> Validated:
        """Return the settings of pictures to show, where none are given."""
        if self.name != DEFAULT_METHOD:
            return self.settings()
        from gluon_style.methods.gatys.presets import DEFAULT_PRESET, preset

        return preset(DEFAULT_PRESET)

    def stylize(
        self, content: Any, style: Any, *settings: Any, **options: Any
    ):
        """Return the ``Result``; see the method's own ``stylize``.

        Without ``settings`` the method has its own default.
        """
        result: Result = self._module('stylize').stylize(
            content, style, *settings, **options
        )
        return result

    def picture_ids(
        self, content: Any, style: Any, settings: Any
    ) -> dict[str, PictureId]:
        """Return the id of each picture by its role, as a record has them."""
        from gluon_style.records.record import PictureId

        sources = {'content': content}
        if getattr(settings, 'init_file', None) is not None:
            sources['init'] = settings.init_file
        ids = {role: PictureId.of(source) for role, source in sources.items()}
        return {**ids, 'style': self.style_id(style)}

    def style_id(self, style: Any) -> PictureId:
        """Return the id of a style, as a record has it."""
        from gluon_style.records.record import PictureId

        styles = self._styles
        return (styles.style_id if styles else PictureId.of)(style)

    def check_style(self, style: Any) -> None:
        """Raise an error for a style that cannot be read."""
        from gluon_style.pictures.read import read_picture

        (self._styles.check_style if self._styles else read_picture)(style)

    def require_style(self, style: Any) -> None:
        """Raise an error for a style that is a name or path of nothing."""
        from gluon_style.pictures.opening import require_file

        if self._styles:
            self._styles.require_exists(style)
        elif isinstance(style, (str, Path)):
            require_file(style)

    @property
    def _styles(self) -> Any:
        """The module of the styles that are not pictures, or None."""
        return self._module('styles') if self.names_styles else None

    def _module(self, name: str) -> Any:
        return import_module(f'gluon_style.methods.{self.name}.{name}')


METHODS = {
    method.name: method
    for method in (
        Method(
            'gatys',
            'optimizes the pixels: minutes, and large strokes',
            has_epochs=True,
            names_styles=False,
        ),
        Method(
            'feedforward',
            'a net in one pass: about a second',
            has_epochs=False,
            names_styles=True,
        ),
        Method(
            'adain',
            "the style's statistics in the content's features: a few seconds",
            has_epochs=False,
            names_styles=False,
        ),
        Method(
            'diffusion',
            "paints with the style's patches: a minute, and real strokes",
            has_epochs=True,
            names_styles=False,
        ),
    )
}
DEFAULT_METHOD = 'gatys'


def get_method(name: str) -> Method:
    """Return a method by its name, or raise GluonStyleError."""
    require_known([name], METHODS, 'method')
    return METHODS[name]


def method_of(settings: Any) -> Method:
    """Return the method that settings are for."""
    return METHODS[getattr(settings, 'method', DEFAULT_METHOD)]


def foreign_settings(names: Iterable[str], method: str) -> list[str]:
    """Return the names that are settings of other methods only."""
    import dataclasses

    own = {f.name for f in dataclasses.fields(METHODS[method].settings)}
    others = {
        field.name
        for other in METHODS.values()
        for field in dataclasses.fields(other.settings)
    }
    return [name for name in names if name in others - own]
