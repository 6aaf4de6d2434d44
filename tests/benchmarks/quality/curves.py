"""Compare programs at equal content kept, along the curves of their knobs.

A curve has a point for each strength: how much of the content the pictures
keep there, and how much of the style they take.
"""

import math
from typing import NamedTuple

import numpy


class Vote(NamedTuple):
    """One way to see the two axes, each a function of Measures.

    A program that optimizes features of VGG-16 flatters the first, so that
    AlexNet and edges have a say. The last two see one kind of style each:
    DISTS' textures, and the style's own squares of pixels.
    """

    name: str
    kept: object
    taken: object


VOTES = (
    Vote('VGG-16', lambda m: m.kept, lambda m: m.taken),
    Vote('AlexNet', lambda m: m.kept_alexnet, lambda m: 1 - m.frechet),
    Vote('edges', lambda m: m.kept_edges, lambda m: m.taken),
    Vote('texture', lambda m: m.kept, lambda m: 1 - m.texture),
    Vote('patches', lambda m: m.kept, lambda m: 1 - m.patches),
)


class Table:
    """Results by program, strength and pair."""

    def __init__(self, programs, results):
        self.programs = {program.name: program for program in programs}
        self._results = {}
        for result in results:
            key = result.program, result.strength
            self._results.setdefault(key, {})[result.pair] = result

    def strengths(self, name):
        """Return the strengths at which a program made pictures, sorted."""
        return sorted(
            strength
            for (program, strength), results in self._results.items()
            if program == name and results
        )

    def at(self, name, strength):
        """Return the results of a program at a strength, by pair."""
        return self._results.get((name, strength), {})

    def at_default(self, name):
        """Return the results of a program at its default, by pair."""
        return self.at(name, self.programs[name].default)

    def curve_pairs(self):
        """Return the pairs that every program has at all its strengths."""
        return self._common(self._results.values())

    def default_pairs(self):
        """Return the pairs that every program has at its default."""
        return self._common(map(self.at_default, self.programs))

    @staticmethod
    def _common(groups):
        groups = [set(group) for group in groups if group]
        return sorted(set.intersection(*groups)) if groups else []

    def curve(self, name, vote, pairs):
        """Return the mean kept and taken at each strength, two lists."""
        points = [
            [self.at(name, strength)[pair].measures for pair in pairs]
            for strength in self.strengths(name)
        ]
        return tuple(
            [float(numpy.mean([axis(m) for m in point])) for point in points]
            for axis in (vote.kept, vote.taken)
        )


def taken_at(curve, kept):
    """Return the style taken at a level of content kept, on a curve.

    Between two points it is a straight line; beyond the ends NaN.
    """
    points = sorted(zip(*curve))
    levels = [point[0] for point in points]
    if not levels or not levels[0] <= kept <= levels[-1]:
        return math.nan
    return float(numpy.interp(kept, levels, [point[1] for point in points]))


class Comparison(NamedTuple):
    """A program beside the reference, at the content that this keeps.

    ``taken`` is the program's style taken there, and ``reference`` the
    reference's; NaN where the program never keeps just so much. ``won``
    counts the pairs on which the reference takes more, of ``comparable``.
    """

    program: str
    kept: float
    reference: float
    taken: float
    won: int
    comparable: int


def compare(table, reference, vote):
    """Return a Comparison of each other program with the reference."""
    pairs = table.curve_pairs()
    own = {pair: table.at_default(reference)[pair].measures for pair in pairs}
    kept = float(numpy.mean([vote.kept(m) for m in own.values()]))
    taken = float(numpy.mean([vote.taken(m) for m in own.values()]))
    comparisons = []
    for name in table.programs:
        if name == reference:
            continue
        theirs = {
            pair: taken_at(table.curve(name, vote, [pair]), vote.kept(m))
            for pair, m in own.items()
        }
        known = {p: t for p, t in theirs.items() if not math.isnan(t)}
        comparisons.append(
            Comparison(
                name,
                kept,
                taken,
                taken_at(table.curve(name, vote, pairs), kept),
                sum(vote.taken(own[p]) > t for p, t in known.items()),
                len(known),
            )
        )
    return comparisons
