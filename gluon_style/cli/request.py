"""What a command line asks for: pictures, settings, output; no MXNet.

What is given on the command line comes before what ``--config`` says, and
that before the preset. A TOML may be for several commands: each leaves out
what means nothing to it. A record is for the command that made it alone.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from gluon_style.cli.options import LEFT_OUT
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.config import Config, read_config
from gluon_style.methods.gatys.presets import (
    layer_alone,
    preset,
    reconstruction,
    texturing,
)
from gluon_style.methods.gatys.settings import Settings


@dataclass(frozen=True)
class Request:
    """One picture to be made.

    ``content`` and ``mask`` may be None, ``styles`` empty; ``output`` is a
    file's path.
    """

    content: object
    styles: list
    mask: object
    settings: Settings
    output: str

    @property
    def files(self):
        """The paths of all pictures that are files."""
        pictures = [self.content, *self.styles, self.mask]
        pictures.append(self.settings.init_file)
        return [img for img in pictures if isinstance(img, (str, Path))]


def read_request(args):
    """Return the ``Request`` of parsed arguments.

    Raises FileNotFoundError or ValueError, in one sentence, for what is not
    there or makes no sense.
    """
    config = _config(args)
    pictures = config.pictures
    given = vars(args)
    request = Request(
        content=given.get('content') or pictures.get('content'),
        styles=given.get('styles') or pictures.get('style', []),
        mask=given.get('mask') or pictures.get('mask'),
        settings=_settings(args, config),
        output=args.output or pictures.get('output'),
    )
    _check(args.command, request)
    return request


def _config(args):
    """Return what ``--config`` says to the command."""
    if not args.config:
        return Config({})
    config = read_config(args.config)
    if config.command is None:
        return _without(config, LEFT_OUT.get(args.command, ()))
    if config.command != args.command:
        raise GluonStyleError(
            f'config {args.config!r} is a record for {config.command}, not '
            f'for {args.command}: use gluon-style {config.command} --config'
        )
    if args.preset is not None:
        raise GluonStyleError(
            f'preset is {args.preset!r} and config {args.config!r} a record, '
            'which has all settings: leave out one of them'
        )
    return config


def _without(config, names):
    """Return a config without settings and pictures of these names."""
    names = {name.replace('-', '_') for name in names}

    def rest(table):
        return {name: table[name] for name in table if name not in names}

    settings, pictures = rest(config.settings), rest(config.pictures)
    return replace(config, settings=settings, pictures=pictures)


def _settings(args, config):
    settings = preset(args.preset or config.preset or 'fast')
    if args.command == 'texture':
        settings = texturing(settings)
    if args.command == 'reconstruct':
        settings = reconstruction(settings)
    changes, given = dict(config.settings), vars(args)
    if given.get('layer') is not None:
        changes.update(layer_alone(args.layer))
    names = [field.name for field in fields(settings)]
    changes.update({n: given[n] for n in names if n in given})
    return settings.changed(changes)


def _check(command, request):
    if request.output is None:
        raise GluonStyleError('no output is given: name a file with -o')
    if request.content is None and not request.styles:
        words = {'texture': 'STYLE', 'reconstruct': 'CONTENT'}
        raise GluonStyleError(
            'no picture is given: name '
            f'{words.get(command, "CONTENT and STYLE")}'
        )
    if command == 'run' and not request.styles:
        if request.settings.style_weight:
            raise GluonStyleError('no style picture is given: name one')
    if command == 'run' and request.content is None:
        if request.settings.content_weight:
            raise GluonStyleError('no content picture is given: name one')
    for picture in request.files:
        if not Path(picture).is_file():
            raise FileNotFoundError(f'picture {picture!r} is not a file')
