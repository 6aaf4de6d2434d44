"""The weight of the style loss that a strength from 0 to 1 means.

What a style weight does depends on both pictures: the same weight leaves a
photograph nearly as it is under a dark painting, and destroys it under an
engraving, whose style loss is fifty times larger. A strength is a weight in
units of the two losses that a picture can have at most, more or less:

    weight = ratio * content energy / style distance

The content energy is the content loss of a picture without any structure, the
style distance is the style loss of the content picture before the run.
"""

# The ratio at a strength of 0.5. With it, the first pairs of the quality
# benchmark keep 0.25 to 0.44 of the content's features and take 0.3 to 0.7 of
# the style; from about 0.23 on, a subject is recognized at a glance.
RATIO = 40.0
# How fast the ratio grows: 1/27 of it at the strength 0.1, 27 times at 0.9.
POWER = 1.5
# Where the content picture resembles the style, the distance counts as at
# least this part of the loss of a picture without any style.
LEAST_DISTANCE = 0.1
# The largest strength that is computed with. At 1 the content would not count.
MOST = 0.99
# From this strength on, the content has the style's colors whole.
ALL_COLORS = 0.5


def weight_ratio(strength):
    """Return the ratio of the two losses' weights for a strength."""
    strength = min(strength, MOST)
    return RATIO * (strength / (1 - strength)) ** POWER


def weaker(strength, factor):
    """Return the strength whose ratio is that of ``strength`` / ``factor``."""
    odds = strength / (1 - min(strength, MOST)) / factor ** (1 / POWER)
    return odds / (1 + odds)


def color_amount(strength):
    """Return how far colors go from the content's to the style's, 0 to 1."""
    return min(1.0, strength / ALL_COLORS)
