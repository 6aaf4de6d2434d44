"""The folder of a trial, and the program started in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import picture, random_layers
from PIL import Image

import gluon_style
from gluon_style.layers import CONV_SHAPES
from gluon_style.weights.formats import write_layers

ROOT = Path(gluon_style.__file__).resolve().parents[1]
TESTS = Path(__file__).resolve().parents[1]
INPUTS = ('content.png', 'style.png', 'other.png')


def make_weights(folder):
    """Write random weights of two layers, and of all."""
    names = list(CONV_SHAPES)
    write_layers(folder / 'shallow.npz', random_layers(names[:2]))
    write_layers(folder / 'deep.npz', random_layers(names))


class Work:
    """A folder to work in, with pictures, and a temporary folder beside it.

    ``weights`` is the folder that ``make_weights`` wrote to.
    """

    def __init__(self, place, weights):
        self.folder, self.temporary = place / 'work', place / 'tmp'
        self.weights = weights
        self.folder.mkdir(parents=True, exist_ok=True)
        self.temporary.mkdir()
        # Where an ordinary user may write what matplotlib knows of fonts.
        self._fonts = place / 'fonts'
        self._fonts.mkdir()
        self._fonts.chmod(0o777)
        for seed, name in enumerate(INPUTS):
            img = Image.fromarray(picture(40, 30, seed=seed))
            img.save(self.folder / name)
        self.inputs = self.state()

    def state(self):
        """Return the content of each file of the folder, by its name."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob('*'))
            if path.is_file()
        }

    def restore(self, state):
        """Leave in the folder the files of a former state only."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, data in state.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for path in self.temporary.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def run(self, words, plan=None, before=()):
        """Run the command line; return its exit code and what it said.

        ``plan`` is for ``stress.child``; ``before`` are the first words of
        the command, which then starts a process of its own.
        """
        words = [word.replace('WEIGHTS', str(self.weights)) for word in words]
        said = self.folder.parent / 'said'
        request = {
            'words': words,
            'plan': {**(plan or {}), 'folder': str(self.folder)},
            'folder': str(self.folder),
            'temporary': str(self.temporary),
            'said': str(said),
        }
        said.touch()
        said.chmod(0o666)
        if before:
            program = [*before, sys.executable, '-m', 'stress.child']
            code = subprocess.run(
                [*program, json.dumps(request)],
                # That of root is not to be written to.
                env=environment(MPLCONFIGDIR=str(self._fonts)),
            ).returncode
        else:
            code = Server.shared().run(request)
        return code, said.read_text()


class Server:
    """A process that has loaded all modules, and forks for each command."""

    _shared = None

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'stress.child'],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @classmethod
    def shared(cls):
        """Return the one server of this process."""
        cls._shared = cls._shared or cls()
        return cls._shared

    def run(self, request):
        """Run a command; return its exit code, negative for a signal."""
        self._process.stdin.write(json.dumps(request) + '\n')
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def environment(**more):
    """Return an environment in which a child finds this package."""
    path = os.pathsep.join(map(str, (ROOT, TESTS)))
    # A compiled module would be a file of the program, not of a run.
    return {
        **os.environ,
        'PYTHONPATH': path,
        'PYTHONDONTWRITEBYTECODE': '1',
        'MPLBACKEND': 'Agg',
        'OMP_NUM_THREADS': '1',
        **more,
    }
