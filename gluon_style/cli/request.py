"""What a command line asks for: pictures, settings, output; no MXNet.

What is given on the command line comes before what ``--config`` says, and
that before the preset.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from gluon_style.config import Config, read_config
from gluon_style.presets import preset, reconstruction, texturing
from gluon_style.settings import Settings


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
    config = read_config(args.config) if args.config else Config({})
    pictures = config.pictures
    given = vars(args)
    styles = [img for img in (given.get('style'),) if img]
    styles += given.get('styles', [])
    request = Request(
        content=given.get('content') or pictures.get('content'),
        styles=styles or pictures.get('style', []),
        mask=given.get('mask') or pictures.get('mask'),
        settings=_settings(args, config),
        output=args.output or pictures.get('output'),
    )
    _check(args.command, request)
    return request


def _settings(args, config):
    settings = preset(args.preset or config.preset or 'fast')
    if args.command == 'texture':
        settings = texturing(settings)
    if args.command == 'reconstruct':
        settings = reconstruction(settings, args.layer)
    settings = settings.changed(config.settings)
    names = [field.name for field in fields(settings)]
    given = vars(args)
    return settings.changed({n: given[n] for n in names if n in given})


def _check(command, request):
    if request.output is None:
        raise ValueError('no output is given: name a file with -o')
    # A texture's record has no content, nor a reconstruction's a style.
    if request.content is None and not request.styles:
        raise ValueError('no picture is given: name CONTENT and STYLE')
    if command == 'run' and not request.styles:
        if request.settings.style_weight:
            raise ValueError('no style picture is given: name one')
    if command == 'run' and request.content is None:
        if request.settings.content_weight:
            raise ValueError('no content picture is given: name one')
    for picture in request.files:
        if not Path(picture).is_file():
            raise FileNotFoundError(f'picture {picture!r} is not a file')
