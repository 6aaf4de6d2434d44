"""What a setting may be, refused in one sentence where it is something else.

Each function raises ValueError naming the setting, its value and what is
accepted.
"""

from dataclasses import fields

from gluon_style.errors import GluonStyleError

# The numbers that the network's float32 can hold.
LEAST_NUMBER, MOST_NUMBER = 1e-30, 3.4e38


def plain(value):
    """Return NumPy's numbers as Python's own, which JSON has.

    Arrays of them become lists, and tuples and lists are looked through.
    """
    if isinstance(value, (tuple, list)):
        found = [plain(each) for each in value]
        return found if isinstance(value, list) else tuple(found)
    # Without an import of NumPy, which takes time.
    return value.tolist() if hasattr(value, 'tolist') else value


def plain_fields(data):
    """Have the fields of a frozen dataclass be ``plain``."""
    for field in fields(data):
        value = plain(getattr(data, field.name))
        object.__setattr__(data, field.name, value)


def require_choice(name, value, choices):
    """Accept one of several values."""
    if value not in choices:
        known = ' or '.join(str(choice) for choice in choices)
        raise GluonStyleError(f'{name} is {value!r}: it must be {known}')


def require_integer(name, value, least, most=None):
    """Accept a whole number, which a bool is not."""
    integer = isinstance(value, int) and not isinstance(value, bool)
    if not integer or value < least or (most is not None and value > most):
        limits = (
            f'of at least {least}'
            if most is None
            else f'from {least} to {most}'
        )
        raise GluonStyleError(
            f'{name} is {value!r}: it must be a whole number {limits}'
        )


def require_number(name, value, least, most=MOST_NUMBER):
    """Accept a finite number, which a bool is not."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # Written so that NaN, which compares with nothing, fails.
    if not number or not least <= value <= most:
        raise GluonStyleError(
            f'{name} is {value!r}: it must be a finite number from {least:g} '
            f'to {most:g}'
        )


def blend_parts(name, value):
    """Return a blend as a tuple: numbers of at least 0, one of them above.

    It is a sequence of numbers, or text as on the command line: '2:1'.
    """
    parts = value
    if isinstance(value, str):
        try:
            parts = [float(part) for part in value.split(':')]
        except ValueError:
            parts = None
    if not isinstance(parts, (tuple, list)):
        raise GluonStyleError(
            f'{name} is {value!r}: it must be a number for each style, as in '
            '2:1'
        )
    for number in parts:
        require_number(name, number, least=0)
    if not any(parts):
        raise GluonStyleError(
            f'{name} is {value!r}: it must have a number above 0, as in 2:1'
        )
    return tuple(parts)
