"""This package on two picture files, as ``stylize`` runs.

``--mode`` is JSON: the preset and changes of its settings.
"""

import json

from measure import Clock, arguments

import gluon_style


class Tick(gluon_style.Observer):
    """Note the time of each epoch."""

    every = 1

    def __init__(self, clock):
        self.clock = clock

    def epoch(self, history, picture):
        self.clock.tick(history[-1].total)


def main():
    args = arguments()
    content, style, preset, changes = json.loads(args.mode)
    clock = Clock()
    if args.epochs:
        changes['epochs'] = args.epochs
    result = gluon_style.stylize(
        content,
        style,
        preset,
        weights='oxford',
        observers=[Tick(clock)],
        **changes,
    )
    clock.totals = [entry.total for entry in result.history]
    clock.seconds = [entry.seconds for entry in result.history]
    scales = [entry.scale for entry in result.history]
    result.save(args.output.replace('.json', '.png'))
    clock.write(args.output, scales=scales)


if __name__ == '__main__':
    main()
