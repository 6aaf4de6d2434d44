"""One call for every method: the table says which there are. No MXNet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gluon_style._mxnet import explained
from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import Validated
from gluon_style.methods.table import (
    DEFAULT_METHOD,
    Method,
    foreign_settings,
    get_method,
    method_of,
)

if TYPE_CHECKING:
    from gluon_style.methods.observers import Observer
    from gluon_style.records.result import Result


def stylize(
    content: Any,
    style: Any,
    settings: Validated | str | Path | None = None,
    *,
    method: str | None = None,
    mask: Any = None,
    net: Any = None,
    cluster: Any = None,
    observers: Iterable[Observer] | None = None,
    **changes: Any,
) -> Result:
    """Return the content picture in the style of the style picture.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3).
    ``style`` may be a list of them (``style_blend``). ``method`` is a name in
    ``METHODS``: 'gatys' by default, which optimizes the pixels for minutes;
    'diffusion', which paints with the style's patches; 'adain', which decodes
    features with the style's statistics; or 'feedforward', one pass of a net,
    whose ``style`` may also be 'net:15', a ``Style`` or the path of a .style
    file.

    ``settings`` is a ``Settings`` of the method, or the path of a former
    run's .json; either says the method as well. For 'gatys' it may also be a
    preset's name or the path of a .toml (see ``read_config``). Further
    keywords change single settings: ``stylize(a, b, epochs=100)``.

    ``observers`` watch the run, and may end it: ``Progress``, ``Animate``,
    ``SaveSteps``, ``Checkpoint``, or your own ``Observer``. ``mask`` and
    ``net`` are not for 'adain' and 'feedforward'. A ``mask`` keeps the first
    style to where it is white and the second, or none, to where it is black.
    ``net`` is a network of ``build_net`` with the same weights and pooling, to
    serve several calls; calls in several threads wait for each other. With
    'gatys', the workers of a ``cluster``, which ``open_cluster`` opens, share
    the work on a large picture: each computes some of its tiles. ``content``
    or ``style`` may be None with 'gatys': see ``texture`` and
    ``reconstruct``.

    Returns a ``Result``. Raises GluonStyleError or FileNotFoundError, in one
    sentence, for what cannot work, before anything is computed;
    NonFiniteLossError, whose ``result`` is the last good one, or None; and
    OutOfMemoryError. Ctrl-C ends a run of 'gatys' after its epoch and the
    checkpoint is saved; the KeyboardInterrupt has the best ``result`` so far.
    A second Ctrl-C ends it at once.
    """
    chosen = method_for(settings, method)
    options = {'mask': mask, 'net': net, 'cluster': cluster}
    options = {
        name: each for name, each in options.items() if each is not None
    }
    _require_own([*changes, *options], options, chosen)
    given = _settings(settings, chosen)
    with explained():
        return chosen.stylize(
            content,
            style,
            *([] if given is None else [given]),
            observers=observers,
            **options,
            **changes,
        )


def method_for(settings: Any, name: str | None) -> Method:
    """Return the method that is named, or that the settings are of.

    Raises GluonStyleError where these are two.
    """
    own = None
    if isinstance(settings, Validated):
        own = method_of(settings).name
    elif _is_record(settings):
        own = _record(settings).method
    chosen = get_method(name or own or DEFAULT_METHOD)
    if own not in (None, chosen.name):
        raise GluonStyleError(
            f'settings are of the method {own} and method is {name!r}: leave '
            'out one of them'
        )
    return chosen


def _is_record(settings: Any) -> bool:
    """Return whether settings are the path of a former run's record."""
    named = isinstance(settings, (str, Path))
    return named and Path(settings).suffix == '.json'


def _record(path: str | Path) -> Any:
    from gluon_style.records.result import read_record

    if not Path(path).is_file():
        raise FileNotFoundError(f'config {str(path)!r} is not a file')
    record, _ = read_record(Path(path))
    return record


def _require_own(names: list[str], options: Any, method: Method) -> None:
    """Raise GluonStyleError for a keyword that is another method's."""
    foreign = foreign_settings(names, method.name)
    if not method.has_epochs:
        foreign += options
    elif method.name != DEFAULT_METHOD and 'cluster' in options:
        foreign.append('cluster')
    if foreign:
        raise GluonStyleError(
            f'{foreign[0]} means nothing to the method {method.name}: leave '
            'it out'
        )


def _settings(settings: Any, method: Method) -> Any:
    """Return the settings as the method takes them."""
    if method.name == DEFAULT_METHOD or settings is None:
        return settings
    if _is_record(settings):
        return method.settings().changed(_record(settings).settings)
    if not isinstance(settings, Validated):
        raise GluonStyleError(
            f'settings is {str(settings)!r} and presets are of the method '
            f'{DEFAULT_METHOD}: give a Settings of the method {method.name}, '
            "or the path of a former run's .json"
        )
    return settings
