"""The command line in a process that fails at a chosen moment.

A request is JSON: the ``words`` of the command, and a ``plan``. Of a plan,
``folder`` is the folder in which files count; ``at`` is the number of the
event, from 0, at which ``do`` happens. Events are what Python does to the
folder's files: opening one for writing, renaming, removing. The audit hook is
called before each.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

from gluon_style import cli

# isort: split
from stress.bundles import stand_in

# What the commands would load, each time.
_LOADED = (
    'mxnet',
    'av',
    'matplotlib.pyplot',
    'scipy.optimize',
    'skimage.color',
    'gluon_style.classroom.bundle',
    'gluon_style.cli.lesson',
    'gluon_style.figures',
    'gluon_style.methods.feedforward.stylize',
    'gluon_style.methods.gatys.checkpoint',
    'gluon_style.methods.gatys.stylize',
    'gluon_style.report',
)

_CHANGES = ('os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.chmod')
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """Count the events, and do what is planned at one of them."""

    def __init__(self, plan):
        self.plan, self.count, self.busy = plan, 0, False
        self.folder = os.path.realpath(plan['folder'])

    def __call__(self, event, words):
        """Be told of an event by Python."""
        if self.busy or not self._counts(event, words):
            return
        self.busy = True
        if log := self.plan.get('log'):
            path = os.path.basename(os.fsdecode(words[0]))
            with open(log, 'a') as file:
                print(json.dumps([event, path]), file=file)
        if self.count == self.plan.get('at'):
            _DEEDS[self.plan['do']](self.plan)
        self.count += 1
        self.busy = False

    def _counts(self, event, words):
        if event not in ('open', *_CHANGES) or isinstance(words[0], int):
            return False
        path = os.path.realpath(os.fsdecode(words[0]))
        if os.path.commonpath([path, self.folder]) != self.folder:
            return False
        # A new file is opened once more, to flush it: it is whole by then.
        new = os.path.basename(path).startswith('.new-')
        return event != 'open' or new or bool(words[2] & _WRITING)


def kill(plan):
    """Die at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def cut(plan):
    """Die once a file has so many bytes, at whoever's hand they come."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit(plan)


def limit(plan):
    """Let writes beyond so many bytes fail, as those of a full disk do."""
    most = plan['bytes']
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def fill(plan):
    """Fill the disk, so that no byte is left."""
    with open(Path(plan['folder'], 'filler'), 'wb', 0) as file:
        piece = bytes(1 << 20)
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]


def lock(plan):
    """Forbid to write into the folder."""
    for path, _, _ in os.walk(plan['folder']):
        os.chmod(path, 0o555)


_DEEDS = {each.__name__: each for each in (kill, cut, limit, fill, lock)}


def run(request):
    """Run the command line under the plan; return its exit code."""
    # None runs for so long, unless it hangs.
    signal.alarm(1200)
    os.chdir(request['folder'])
    os.environ['TMPDIR'] = tempfile.tempdir = request['temporary']
    nowhere = os.open(os.devnull, os.O_RDWR)
    said = os.open(request['said'], os.O_WRONLY | os.O_TRUNC)
    for number, descriptor in enumerate((nowhere, nowhere, said)):
        os.dup2(descriptor, number)
    sys.addaudithook(Watch(request['plan']))
    if request['words'][0] == 'bundle':
        stand_in()
    return cli.main(request['words'])


def serve():
    """Fork for each request that standard input has, and say how it ended.

    Returns the exit code of a command, in the process that was forked.
    """
    for name in _LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in iter(sys.stdin.readline, ''):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            return run(json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(run(json.loads(sys.argv[1])) if sys.argv[1:] else serve())
