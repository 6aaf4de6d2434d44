"""What the values of the command's options may be."""

import argparse


def integer(text):
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a whole number'
        ) from None


def count(text):
    found = integer(text)
    if found < 1:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no count: give a whole number of at least 1'
        )
    return found


def number(text):
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number') from None


def minutes(text):
    minutes = number(text)
    if not minutes > 0:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no time: give a number of minutes above 0'
        )
    return minutes


def size(text):
    sides = text.lower().split('x')
    try:
        numbers = tuple(int(side) for side in sides)
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 2):
        raise argparse.ArgumentTypeError(
            f'{text!r} is no size: give 450x300 or the longest side, 450'
        )
    return numbers if len(numbers) == 2 else numbers[0]


def blend(text):
    return tuple(number(part.strip()) for part in text.split(':'))


def list_of(type_):
    """Return a type for values of ``type_`` between commas."""

    def parse(text):
        return [type_(part.strip()) for part in text.split(',')]

    return parse


def tile(text):
    return text if text in ('auto', 'off') else integer(text)


def layers(text):
    return tuple(name.strip() for name in text.split(',') if name.strip())
