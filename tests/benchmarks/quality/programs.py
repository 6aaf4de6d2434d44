"""The programs that are compared, and the knob that each turns.

A program's strengths are values of its own knob. Each makes a picture in a
process of its own, so that the process's memory is the picture's.
"""

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gluon_style import PRESETS, Settings
from gluon_style.methods.table import DEFAULT_METHOD, METHODS

from .downloads import ANY_STYLE, FOLDER, ROOT

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = {
    'pastiche': ('torch==2.13.0', 'numpy', 'pastiche==1.6.0'),
    'any-style': (ANY_STYLE.requirement, 'onnxruntime==1.*'),
}
# What is multiplied by the strength where a program has no better knob.
STYLE_WEIGHT_FACTORS = 0.01, 0.03, 0.1, 0.3, 1.0
STRENGTHS = 0.1, 0.3, 0.5, 0.7, 0.9
# These decide between content and style in place of a strength.
WEIGHTS = 'content_weight', 'style_weight'
# Fewer than its own default of 1000, for the time: a step of 320x213 pixels
# takes about half a second.
PASTICHE_STEPS = 300


@dataclass(frozen=True)
class Program:
    """A program with a knob; ``settings`` are this package's, as texts."""

    name: str
    knob: str
    strengths: tuple[float, ...]
    default: float
    settings: dict = field(default_factory=dict)

    @property
    def identity(self):
        """All that decides about its pictures, as text, besides its code."""
        known = {'steps': PASTICHE_STEPS} if self.name == 'pastiche' else {}
        if 'preset' in self.settings:
            # A preset may be tuned under the same name.
            known = PRESETS[self.settings['preset']].to_json()
        if 'method' in self.settings:
            known = METHODS[self.settings['method']].settings().to_json()
        return json.dumps([self.settings, known], sort_keys=True)

    def command(self, strength, pair, size, output):
        """Return the words of the command that makes one picture."""
        if self.name == 'pastiche':
            return self._pastiche(strength, pair, size, output)
        task = {
            'content': pair.content,
            'style': pair.style,
            'output': str(output),
        }
        if self.name == 'any-style':
            task['strength'] = strength
            python, script = environment('any-style'), 'make_any_style.py'
        else:
            task.update(self._recipe)
            task['changes'] = {**self._changes(strength), 'size': size}
            python, script = Path(sys.executable), 'make_own.py'
        return list(map(str, (python, HERE / script, json.dumps(task))))

    @property
    def _recipe(self):
        """The preset or the method whose settings are changed."""
        names = self.settings.keys() & {'preset', 'method'}
        return {name: self.settings[name] for name in names}

    def _changes(self, strength):
        changes = {
            name: value
            for name, value in self.settings.items()
            if name not in self._recipe
        }
        if self.knob == 'strength':
            return {**changes, 'strength': strength}
        weight = changes.get(
            'style_weight', PRESETS[self.settings['preset']].style_weight
        )
        return {**changes, 'style_weight': strength * float(weight)}

    def _pastiche(self, strength, pair, size, output):
        python = environment('pastiche')
        options = {
            'content': pair.content,
            'styles': pair.style,
            'style-weights': strength,
            'size': size,
            'style-size': size,
            'num-steps': PASTICHE_STEPS,
            'seed': 0,
            'output': output,
        }
        words = [python.with_name('pastiche'), '--no-verbose']
        for name, value in options.items():
            words += [f'--{name}', value]
        return list(map(str, words))


def peers():
    """Return the programs that are not this package, by name."""
    return {
        'pastiche': Program(
            'pastiche',
            'style weight',
            STYLE_WEIGHT_FACTORS,
            1.0,
        ),
        'any-style': Program(
            'any-style', 'strength', (0.2, 0.4, 0.6, 0.8, 1.0), 1.0
        ),
    }


def methods():
    """Return this package's other methods, as they are by default."""
    return {
        name: Program(
            name,
            'strength',
            STRENGTHS,
            method.settings().strength,
            {'method': name},
        )
        for name, method in METHODS.items()
        if name != DEFAULT_METHOD
    }


def own(name, settings):
    """Return a preset of this package, or a variant of one.

    ``settings`` maps names of settings to texts; 'preset' is the one that
    they change, 'fast' by default. The knob is the setting ``strength`` where
    the preset or the settings have one, and else the style weight.
    """
    settings = {'preset': 'fast', **settings}
    names = {f.name for f in dataclasses.fields(Settings)}
    unknown = sorted(set(settings) - names - {'preset'})
    if unknown or settings['preset'] not in PRESETS:
        raise ValueError(
            f'{name}: {", ".join(unknown) or settings["preset"]} is unknown'
        )
    strength = settings.pop('strength', PRESETS[settings['preset']].strength)
    if strength is None or any(weight in settings for weight in WEIGHTS):
        return Program(
            name, 'style weight', STYLE_WEIGHT_FACTORS, 1.0, settings
        )
    return Program(name, 'strength', STRENGTHS, float(strength), settings)


def chosen(names, variants=()):
    """Return Programs by name: peers, presets, methods, and variants.

    A variant is NAME=a=b,c=d.

    Raises ValueError for a name, preset or setting that does not exist.
    """
    known = {**peers(), **methods()}
    programs = []
    for name in names:
        if name not in known and name not in PRESETS:
            raise ValueError(
                f'program {name!r} is unknown: choose from '
                f'{", ".join([*known, *PRESETS])}, or give a --variant'
            )
        programs.append(known.get(name) or own(name, {'preset': name}))
    for variant in variants:
        name, _, changes = variant.partition('=')
        pairs = (change.partition('=') for change in changes.split(','))
        programs.append(own(name, {key: value for key, _, value in pairs}))
    return programs


def environment(name):
    """Return the Python of a program's own environment, made if necessary."""
    folder = FOLDER / 'envs' / name
    python, ready = folder / 'bin' / 'python', folder / 'ready'
    packages = '\n'.join(ENVIRONMENTS[name])
    if not ready.is_file() or ready.read_text() != packages:
        command = [sys.executable, '-m', 'venv', '--clear', folder]
        subprocess.run(list(map(str, command)), check=True)
        install = [python, '-m', 'pip', 'install', '--quiet', '--no-compile']
        install += ENVIRONMENTS[name]
        subprocess.run(list(map(str, install)), check=True)
        ready.write_text(packages)
    return python


def prepare(programs):
    """Make the environments of programs before several need them at once."""
    for program in programs:
        if program.name in ENVIRONMENTS:
            environment(program.name)


def thread_limits(threads):
    """Return the environment variables that limit a program's threads."""
    names = 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'
    return dict.fromkeys(names, str(threads))


def process_environment(threads):
    """Return the environment variables for a program of some threads."""
    return {**os.environ, 'PYTHONPATH': str(ROOT), **thread_limits(threads)}
