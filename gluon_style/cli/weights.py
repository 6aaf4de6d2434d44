"""gluon-style weights: look after the network's weights."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gluon_style.cli.options import add_force, add_json
from gluon_style.errors import GluonStyleError
from gluon_style.layers import NETWORKS
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, preset

HELP = 'list, fetch, verify or convert weights of the networks'
DESCRIPTION = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions, each with its arguments."""
    parser.set_defaults(action=None)
    actions = parser.add_subparsers(
        metavar='ACTION', parser_class=type(parser)
    )
    action = actions.add_parser('list', help='list the sources')
    add_json(action)
    action.set_defaults(action=list_sources, parser=action, prints_result=True)
    action = actions.add_parser(
        'fetch',
        help='fetch sources to the cache; without a name, what a run without '
        'options takes',
    )
    action.add_argument('names', nargs='*', metavar='NAME')
    action.set_defaults(action=fetch, parser=action)
    action = actions.add_parser(
        'verify', help='check sources in the cache, or a file of weights'
    )
    action.add_argument('names', nargs='*', metavar='NAME|FILE')
    action.set_defaults(action=verify, parser=action)
    action = actions.add_parser(
        'convert',
        help='write weights, ready for this package, to another format',
    )
    action.add_argument('weights', metavar='NAME|FILE')
    action.add_argument('output', metavar='OUT.params|.npz|.safetensors')
    add_force(action)
    action.set_defaults(action=convert, parser=action)


def run(args: argparse.Namespace) -> int:
    """Do what the action says; return the exit code."""
    if args.action is None:
        raise GluonStyleError(
            'no action is named: choose list, fetch, verify or convert'
        )
    return args.action(args)


def list_sources(args: argparse.Namespace) -> int:
    """Print each source, and whether it is in the cache."""
    from gluon_style.weights.sources import SOURCES, is_intact

    table: list[dict[str, Any]] = []
    for source in SOURCES.values():
        state = 'not in the cache'
        if source.path.exists():
            state = 'in the cache' if is_intact(source) else 'BROKEN'
        if args.json:
            about = {**asdict(source), 'path': str(source.path)}
            table.append({**about, 'state': state})
            continue
        print(f'{source.name}: {state} ({source.path})')
        print(f'  network  {NETWORKS[source.network].title}')
        print(f'  from     {source.origin}')
        print(f'  license  {source.license}')
        print(f'  bytes    at most {source.size}')
        print(f'  hash     {source.digest}')
        print(f'  input    {source.convention}')
        print(f'  scaling  {source.scaling}')
    if args.json:
        print(json.dumps(table, indent=1))
    return 0


def fetch(args: argparse.Namespace) -> int:
    """Fetch sources, or what a run without options takes; print the paths."""
    from gluon_style.weights import sources
    from gluon_style.weights.choice import find_weights

    sources.require_sources(args.names)
    for name in args.names:
        print(sources.fetch(name))
    if not args.names:
        settings = preset(DEFAULT_PRESET)
        found = find_weights(
            settings.weights, settings.network, settings.named_layers
        )
        print(found.path)
    return 0


def verify(args: argparse.Namespace) -> int:
    """Check sources or files; return 1 if one is missing or broken."""
    from gluon_style.weights.sources import SOURCES

    names = args.names or [n for n, s in SOURCES.items() if s.path.exists()]
    code = 0
    for name in names:
        good, where = _is_good(name)
        print(f'{name}: {"good" if good else "missing or broken"} ({where})')
        code = code if good else 1
    if not names:
        print('no weights are in the cache')
    return code


def _is_good(name: str) -> tuple[bool, str | Path]:
    from gluon_style.weights import load_weights
    from gluon_style.weights.sources import SOURCES, is_intact

    if name in SOURCES:
        return is_intact(SOURCES[name]), SOURCES[name].path
    if not Path(name).is_file():
        raise GluonStyleError(
            f'weights {name!r} are unknown: choose from '
            f'{", ".join(SOURCES)}, or a file that exists'
        )
    # A file that does not load raises an error of its own.
    return True, load_weights(name, network='auto').path


def convert(args: argparse.Namespace) -> int:
    """Write weights in the format of the output's suffix."""
    from gluon_style.files.ours import require_output
    from gluon_style.weights import load_weights
    from gluon_style.weights.formats import write_layers

    require_output(args.output, force=True)
    # A file of weights does not say which program wrote it.
    if Path(args.output).exists() and not args.force:
        raise GluonStyleError(
            f'{args.output!r} exists: give another name, or --force to '
            'overwrite it'
        )
    weights = load_weights(args.weights, network='auto')
    write_layers(args.output, weights.layers, weights.network)
    print(
        f'{args.output}: the weights {weights.source} of '
        f'{NETWORKS[weights.network].title}, for this package'
    )
    return 0
