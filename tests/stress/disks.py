"""Every output where the disk is full, and in a folder that is read only."""

import contextlib
import os
import random
import re
import shutil
import subprocess

from stress.kills import broken
from stress.table import Row

_NOBODY = 65534
# As an ordinary user, who may read everything, as the packages of root.
ORDINARY = (
    *('setpriv', '--reuid', str(_NOBODY), '--regid', str(_NOBODY)),
    *('--clear-groups', '--inh-caps', '+dac_read_search'),
    *('--ambient-caps', '+dac_read_search', '--'),
)


@contextlib.contextmanager
def small_disk(folder, megabytes=700):
    """Mount a disk on a folder; give whether the system lets us."""
    folder.mkdir(parents=True)
    words = ['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'none']
    may = os.getuid() == 0 and shutil.which('mount') is not None
    done = may and subprocess.run([*words, folder], capture_output=True)
    mounted = may and done.returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(['umount', folder], check=True)


def on_a_full_disk(trial, mounted, count, seed=0):
    """Fill the disk while an output is written; return the row."""
    name = trial.output.name
    plan = {'do': 'fill' if mounted else 'limit', 'bytes': 100}
    row = Row(f'{name}: disk full while written')
    row.remark = 'tmpfs' if mounted else 'RLIMIT_FSIZE'
    for at in opened(trial, count, seed):
        trial.work.restore(trial.before)
        code, said = trial.write('B', {**plan, 'at': at})
        (trial.work.folder / 'filler').unlink(missing_ok=True)
        row.times += 1
        row.lost += [
            f'{name} at {at}: {lost}'
            for lost in lost_by_an_error(trial, code, said)
        ]
    return row


def opened(trial, count, seed):
    """Return at most ``count`` events at which a new file is opened."""
    events = [m['at'] for m in trial.moments() if m.get('bytes') == 1]
    rng = random.Random(f'{seed}-{trial.output.name}')
    return rng.sample(events, min(count, len(events)))


def lost_by_an_error(trial, code, said, may_stay=False):
    """Return what is wrong with the files, and with what was said.

    ``may_stay`` are the temporary files that could not be removed.
    """
    lost = trial.lost_by_a_kill()
    if code not in (0, 2) or 'Traceback' in said or (code and not said):
        lost.append(f'it ends with {code}: {said.strip()}')
    if not may_stay:
        lost += [f'{n} is left' for n in trial.work.state() if '.new-' in n]
    lost += not_rescued(said)
    for path in trial.work.temporary.iterdir():
        if not path.name.startswith('gluon_style-'):
            lost.append(f'the temporary {path.name} is left')
    shutil.rmtree(trial.work.temporary)
    trial.work.temporary.mkdir(mode=0o777)
    trial.work.temporary.chmod(0o777)
    return lost + trial.lost_afterwards()


def not_rescued(said):
    """Return a sentence for each picture that is not where it is said to be.

    A run's picture that was not written is in the temporary folder.
    """
    lost = []
    for path in re.findall(r"the picture is in '(.*)' instead", said):
        with open(path, 'rb') as file:
            lost += filter(None, [broken(path, file.read())])
    if 'was not written (' in said and 'instead' not in said:
        lost.append(f'the picture is lost: {said.strip()}')
    return lost


def in_a_fixed_folder(trial):
    """Write where an ordinary user may not; return the row."""
    name = trial.output.name
    row = Row(f'{name}: read-only folder, ordinary user')
    before = as_ordinary(row)
    if before is None:
        return row
    trial.work.restore(trial.before)
    trial.work.temporary.chmod(0o777)
    allow(trial.work.folder, 0o555)
    code, said = trial.write('B', {}, before)
    allow(trial.work.folder, 0o755)
    row.times = 1
    if trial.work.state() != trial.before:
        row.lost.append(f'{name}: a file has changed')
    if code != 2 or said.count('\n') != 1:
        row.lost.append(f'{name} ends with {code}: {said.strip()}')
    return row


def fixed_meanwhile(trial, count, seed=0):
    """Forbid to write while an output is written; return the row."""
    name = trial.output.name
    row = Row(f'{name}: folder made read-only meanwhile')
    before = as_ordinary(row)
    if before is None:
        return row
    for at in opened(trial, count, seed):
        trial.work.restore(trial.before)
        trial.work.temporary.chmod(0o777)
        if before:
            own(trial.work.folder)
        plan = {'at': at, 'do': 'lock'}
        code, said = trial.write('B', plan, before)
        allow(trial.work.folder, 0o755)
        row.times += 1
        row.lost += [
            f'{name} at {at}: {lost}'
            for lost in lost_by_an_error(trial, code, said, may_stay=True)
        ]
    return row


def as_ordinary(row):
    """Return the words that make a command an ordinary user's, or None."""
    if os.getuid():
        return ()
    if shutil.which('setpriv') is None:
        row.remark = 'not tried: root, without setpriv'
        return None
    row.remark = f'uid {_NOBODY}'
    return ORDINARY


def allow(folder, mode):
    """Give a folder and those within the permissions ``mode``."""
    for path, _, _ in os.walk(folder):
        os.chmod(path, mode)


def own(folder):
    """Give a folder and all within to the ordinary user."""
    for path, _, names in os.walk(folder):
        for name in ('', *names):
            os.chown(os.path.join(path, name), _NOBODY, _NOBODY)
