"""Every output: what writes it, and how to see that it is whole."""

import io
import json
import xml.etree.ElementTree
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec

import numpy
from PIL import Image, ImageSequence

_DEEP = ('--weights', 'WEIGHTS/deep.npz', '--network', 'vgg19')
_SHALLOW = ['--weights', 'WEIGHTS/shallow.npz', '--network', 'vgg19']
_SHALLOW += ['--content-layers', 'conv1_2', '--style-layers', 'conv1_1']
_RUN = ['content.png', 'style.png', *_SHALLOW, '--size', '32x24']
_RUN += ['--preset', 'chapter', '--epochs', '3', '--lr', '0.1', '--quiet']


@dataclass(frozen=True)
class Output:
    """What one command writes.

    ``words`` are the command; '{}' in it is A for what was there before, and
    B for what is written over it. ``first`` is a command that comes before.
    With ``resumes``, the command goes on with ``--resume`` after a kill.
    ``needs`` is a package without which it is left out.
    """

    name: str
    words: tuple
    first: tuple = ()
    resumes: bool = False
    needs: str = 'numpy'

    def command(self, letter):
        """Return the words that write what was before, A, or after, B."""
        numbers = {'A': '0.25', 'B': '0.75'}
        return [
            word.replace('{}', letter).replace('{x}', numbers[letter])
            for word in self.words
        ]

    @property
    def is_missing(self):
        """Return whether this machine lacks what it needs."""
        return find_spec(self.needs) is None


def _run(*words):
    return ('run', *_RUN, '--init', 'blend:{x}', *words)


OUTPUTS = (
    Output('picture .png, record', _run('-o', 'out.png')),
    Output('picture .jpg, record', _run('-o', 'out.jpg')),
    Output('picture .webp, record', _run('-o', 'out.webp')),
    Output('picture .tif, record', _run('-o', 'out.tif')),
    Output('plot .svg', _run('-o', 'out.png', '--plot', 'plot.svg')),
    Output('plot .png', _run('-o', 'out.png', '--plot', 'plot.png')),
    Output('plot .pdf', _run('-o', 'out.png', '--plot', 'plot.pdf')),
    Output('animation .gif', _run('-o', 'out.png', '--animation', 'a.gif')),
    Output(
        'animation .mp4',
        _run('-o', 'out.png', '--animation', 'a.mp4'),
        needs='av',
    ),
    Output('pictures of epochs', _run('-o', 'out.png', '--save-every', '1')),
    Output(
        'checkpoint',
        (
            *_run('-o', 'out.png', '--checkpoint', 'kept'),
            *('--checkpoint-every', '1'),
        ),
        resumes=True,
    ),
    Output(
        'sweep folder',
        (
            *('sweep', 'content.png', '--style', 'style.png', 'other.png'),
            *(*_DEEP[:2], *_RUN[4:], '--init'),
            *('blend:{x}', '--preview', '24', '-o', 'sweep'),
        ),
    ),
    Output(
        'figure, its checks and runs',
        (
            *('figure', 'gram', '--content', 'content.png', '--style'),
            *('style.png', '--size', '32', '--quick', '--quiet', '-o'),
            *('figure{}', *_DEEP),
        ),
    ),
    Output(
        'report .html',
        ('report', '.', '-o', 'page.html', '--title', 'Title {}'),
        first=('run', *_RUN, '-o', 'out.png'),
    ),
    Output(
        'style, preview, checkpoint of learn',
        (
            *('learn', 'style.png', '-o', 'a.style', '--iterations', '2'),
            *(*_DEEP, '--quiet', '--style-size', '64', '--lr', '{x}'),
        ),
    ),
    Output('sheet of styles', ('styles', 'content.png', '-o', 'sheet.png')),
    *(
        Output(
            f'weights {suffix}',
            ('weights', 'convert', _DEEP[1], f'w{suffix}', '--force'),
        )
        for suffix in ('.npz', '.params', '.safetensors')
    ),
    # Another one is not replaced: from nothing, then over itself.
    Output('bundle', ('bundle', 'stick')),
)


def require_whole(name, data):
    """Raise an error unless a file of this name is whole."""
    suffix = '.' + name.rsplit('.', 1)[-1]
    for suffixes, check in _CHECKS.items():
        if suffix in suffixes.split():
            check(data)


def _picture(data):
    with Image.open(io.BytesIO(data)) as img:
        for frame in ImageSequence.Iterator(img):
            frame.load()


def _svg(data):
    xml.etree.ElementTree.fromstring(data)


def _html(data):
    assert data.rstrip().endswith(b'</html>'), 'the page has no end'


def _pdf(data):
    assert data.rstrip().endswith(b'%%EOF'), 'the document has no end'


def _lines(data):
    assert data.endswith(b'\n'), 'the last line has no end'
    for line in data.splitlines():
        json.loads(line)


def _arrays(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None, 'a member is broken'
    with numpy.load(io.BytesIO(data)) as arrays:
        for name in arrays:
            arrays[name]


def _movie(data):
    import av

    with av.open(io.BytesIO(data)) as movie:
        assert len(list(movie.decode(video=0))) > 1, 'it has one frame'


_CHECKS = {
    '.png .jpg .webp .tif .gif': _picture,
    '.json': json.loads,
    '.jsonl': _lines,
    '.svg': _svg,
    '.html': _html,
    '.pdf': _pdf,
    '.npz .style': _arrays,
    '.mp4': _movie,
}
