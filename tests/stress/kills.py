"""Every output, killed while it is written; then written again."""

import io
import json
import random
import signal

from PIL import Image, ImageSequence

from stress.outputs import require_whole
from stress.table import Row
from stress.work import INPUTS

_KILLED = {-signal.SIGKILL: 'SIGKILL', -signal.SIGXFSZ: 'SIGXFSZ'}


def killed(trial, count, seed=0):
    """Kill what writes an output at so many moments; return the row."""
    name = trial.output.name
    row = Row(f'{name}: killed while written, written again')
    moments = trial.moments()
    rng = random.Random(f'{seed}-{name}')
    for moment in chosen(moments, count, rng):
        trial.work.restore(trial.before)
        code, said = trial.write('B', moment)
        if code not in _KILLED:
            continue
        row.times += 1
        where = f'{name} at {moment["at"]} by {moment["do"]}'
        row.lost += [f'{where}: {lost}' for lost in trial.lost_by_a_kill()]
        row.lost += [f'{where}: {lost}' for lost in trial.lost_afterwards()]
    row.remark = f'of {len(moments)} moments'
    return row


def chosen(moments, count, rng):
    """Return ``count`` moments, half of them from the end.

    There new files take the places of the former ones.
    """
    last = moments[-20:]
    late = rng.sample(last, min(count // 2, len(last)))
    others = [moment for moment in moments if moment not in late]
    return late + rng.sample(others, min(count - len(late), len(others)))


class Trial:
    """An output before, and as it is to be after; and what was lost.

    ``before`` and ``after`` are states of the folder of ``work``.
    """

    def __init__(self, output, work):
        self.output, self.work = output, work
        self.log = work.folder.parent / 'events'
        for words in filter(None, (output.first, output.command('A'))):
            self._succeed(words)
        self.before = work.state()
        self._succeed(output.command('B'), {'log': str(self.log)})
        self.after = work.state()

    def _succeed(self, words, plan=None):
        code, said = self.work.run(words, plan)
        if code > 1:
            raise RuntimeError(f'{self.output.name}: {code}, {said}')

    def write(self, letter, plan=None, before=()):
        """Run the command; return its exit code and what it said."""
        return self.work.run(self.output.command(letter), plan, before)

    def moments(self):
        """Return a plan for each moment at which a kill can come."""
        plans = []
        for at, line in enumerate(self.log.read_text().splitlines()):
            event, name = json.loads(line)
            plans.append({'at': at, 'do': 'kill'})
            if event == 'open' and name.startswith('.new-'):
                for size in (1, 1000):
                    plans.append({'at': at, 'do': 'cut', 'bytes': size})
        return plans

    def lost_by_a_kill(self):
        """Return a sentence for each file that is lost or broken."""
        state, lost = self.work.state(), []
        for name in self.before:
            if name not in state and not self._ends_absent(name):
                lost.append(f'{name} is gone')
        for name in INPUTS:
            if state.get(name) != self.work.inputs[name]:
                lost.append(f'the input {name} has changed')
        for name, data in state.items():
            if '.new-' in name or data == self.before.get(name):
                continue
            lost += filter(None, [broken(name, data)])
        return lost

    def _ends_absent(self, name):
        return name not in self.after

    def lost_afterwards(self):
        """Write once more; return a sentence for what differs or stays."""
        words = self.output.command('B')
        words += ['--resume'] if self.output.resumes else []
        code, said = self.work.run(words)
        if code > 1:
            return [f'the next command ends with {code}: {said.strip()}']
        state = self.work.state()
        lost = [
            f'{name} is left' for name in state if name not in self.after
        ] + [f'{name} is not made' for name in self.after if name not in state]
        for name in self.after:
            if name in state and differ(name, state[name], self.after[name]):
                lost.append(f'{name} differs')
        left = [path.name for path in self.work.temporary.iterdir()]
        return lost + [f'the temporary {name} is left' for name in left]


def broken(name, data):
    """Return a sentence if a file is not whole, or None."""
    try:
        require_whole(name, data)
    # Whatever a reader raises: the file is not what it should be.
    except Exception as error:
        return f'{name} is broken ({error!r})'
    return None


def differ(name, data, expected):
    """Return whether two files differ in more than what takes time."""
    if data == expected or name.endswith(('.html', '.pdf', '.svg')):
        return bool(broken(name, data))
    if name.endswith('.json'):
        return _untimed(json.loads(data)) != _untimed(json.loads(expected))
    if name.endswith(('.png', '.jpg', '.webp', '.tif', '.gif')):
        return _pixels(data) != _pixels(expected)
    return bool(broken(name, data))


def _untimed(value):
    """Return JSON without what differs from one time to the next."""
    if isinstance(value, dict):
        return {
            key: _untimed(inner)
            for key, inner in value.items()
            if key not in ('seconds', 'elapsed', 'checks')
        }
    return list(map(_untimed, value)) if isinstance(value, list) else value


def _pixels(data):
    with Image.open(io.BytesIO(data)) as img:
        return [
            frame.convert('RGBA').tobytes()
            for frame in ImageSequence.Iterator(img)
        ]
