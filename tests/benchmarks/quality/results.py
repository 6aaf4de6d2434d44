"""Make the pictures, judge them, and keep both, so that a run can go on.

A picture is ``build/quality/SIZE/PROGRAM/STRENGTH/PAIR.png``; beside it lies
a .json of its seconds, its memory and its measures.
"""

import concurrent.futures
import functools
import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm.auto import tqdm

from gluon_style.files.reading import file_digest

from .downloads import FOLDER
from .measures import Judge, Look, Measures, default_eyes
from .pairs import pair, read
from .programs import Program, prepare, process_environment, thread_limits
from .styles import STYLES


@dataclass(frozen=True)
class Task:
    """One picture to make."""

    program: Program
    strength: float
    pair: str
    size: int

    @property
    def path(self):
        """The picture's path; its .json is beside it."""
        folder = FOLDER / str(self.size) / self.program.name
        return folder / f'{self.strength:g}' / f'{self.pair}.png'

    @property
    def notes(self):
        """What is known of the picture, an empty dictionary at first."""
        path = self.path.with_suffix('.json')
        return json.loads(path.read_text()) if path.is_file() else {}

    def note(self, **more):
        """Add to what is known of the picture."""
        text = json.dumps({**self.notes, **more}, indent=1)
        partial = self.path.with_suffix('.partial')
        partial.write_text(text)
        partial.replace(self.path.with_suffix('.json'))


@dataclass(frozen=True)
class Result:
    """A picture that was made and judged."""

    program: str
    strength: float
    pair: str
    path: Path
    seconds: float
    peak_bytes: int
    measures: Measures


class FailedError(Exception):
    """A program made no picture."""


def make(task, threads=1, again=False):
    """Make a task's picture unless it is there with the same settings.

    Raises FailedError if the program fails.
    """
    settings = task.program.identity
    known = task.notes.get('settings') == settings and task.path.is_file()
    if known and not again:
        return
    task.path.parent.mkdir(parents=True, exist_ok=True)
    partial = task.path.with_name(f'.{task.path.name}')
    command = task.program.command(
        task.strength, pair(task.pair, task.size), task.size, partial
    )
    began = time.perf_counter()
    status, usage, errors = _run(command, process_environment(threads))
    seconds = time.perf_counter() - began
    if status or not partial.is_file():
        raise FailedError(
            f'{task.program.name} made no picture of {task.pair} at '
            f'{task.strength:g}: {errors[-500:]}'
        )
    partial.replace(task.path)
    task.path.with_suffix('.json').unlink(missing_ok=True)
    task.note(
        settings=settings,
        seconds=seconds,
        peak_bytes=1024 * usage.ru_maxrss,
        threads=threads,
    )


def _run(command, environment):
    """Run a command; return its status, its resources and its messages."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process.stderr:
        errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    return status, usage, errors


def _threads(jobs):
    # Those that this process may use, which can be less than there are.
    return max(1, len(os.sched_getaffinity(0)) // jobs)


def make_all(tasks, jobs=1, again=False):
    """Make the pictures, some side by side; return the failures' sentences."""
    prepare({task.program.name: task.program for task in tasks}.values())
    for task in tasks:
        pair(task.pair, task.size)
    failures = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = [
            pool.submit(make, task, _threads(jobs), again) for task in tasks
        ]
        for future in tqdm(futures, 'pictures', mininterval=2):
            try:
                future.result()
            except FailedError as error:
                failures.append(str(error))
                print(error, file=sys.stderr, flush=True)
    return failures


@functools.lru_cache(maxsize=2)
def _content(path):
    return Look(read(path), default_eyes())


@functools.lru_cache(maxsize=len(STYLES))
def _style(path):
    return Look(read(path), default_eyes(), maps=False)


@functools.cache
def _rules():
    """Return a hash of all that decides about the measures."""
    here = Path(__file__).parent
    names = 'measures.py', 'networks.py'
    return '-'.join(file_digest(here / name)[:16] for name in names)


def judge(task):
    """Return the Result of a picture that was made, None if it was not."""
    if not task.path.is_file():
        return None
    notes, picture = task.notes, file_digest(task.path)
    if notes.get('judged') != [picture, _rules()]:
        names = pair(task.pair, task.size)
        judges = Judge(_content(names.content), _style(names.style))
        measures = asdict(judges(read(task.path)))
        task.note(measures=measures, judged=[picture, _rules()])
        notes = task.notes
    return Result(
        task.program.name,
        task.strength,
        task.pair,
        task.path,
        notes['seconds'],
        notes['peak_bytes'],
        Measures(**notes['measures']),
    )


def judge_all(tasks, jobs=1):
    """Return the Results of all pictures that were made."""
    # A worker keeps the contents and styles that it has looked at.
    tasks = sorted(tasks, key=lambda task: task.pair)
    # NumPy and MXNet read these when they are imported, in the workers.
    os.environ.update(thread_limits(_threads(jobs)))
    context = multiprocessing.get_context('spawn')
    chunk = max(1, len(tasks) // (4 * jobs))
    with concurrent.futures.ProcessPoolExecutor(jobs, context) as pool:
        found = pool.map(judge, tasks, chunksize=chunk)
        bar = tqdm(found, 'judged', len(tasks), mininterval=2)
        return [result for result in bar if result]
