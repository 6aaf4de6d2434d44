"""What a setting may be, refused in one sentence where it is something else.

Each function raises ValueError naming the setting, its value and what is
accepted.
"""

# The numbers that the network's float32 can hold.
LEAST_NUMBER, MOST_NUMBER = 1e-30, 3.4e38


def require_choice(name, value, choices):
    """Accept one of several values."""
    if value not in choices:
        known = ' or '.join(str(choice) for choice in choices)
        raise ValueError(f'{name} is {value!r}: it must be {known}')


def require_integer(name, value, least, most=None):
    """Accept a whole number, which a bool is not."""
    integer = isinstance(value, int) and not isinstance(value, bool)
    if not integer or value < least or (most is not None and value > most):
        limits = (
            f'of at least {least}'
            if most is None
            else f'from {least} to {most}'
        )
        raise ValueError(
            f'{name} is {value!r}: it must be a whole number {limits}'
        )


def require_number(name, value, least, most=MOST_NUMBER):
    """Accept a finite number, which a bool is not."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # Written so that NaN, which compares with nothing, fails.
    if not number or not least <= value <= most:
        raise ValueError(
            f'{name} is {value!r}: it must be a finite number from {least:g} '
            f'to {most:g}'
        )


def require_blend(name, value):
    """Accept a tuple of numbers of at least 0, of which one is above."""
    for number in value:
        require_number(name, number, least=0)
    if not any(value):
        raise ValueError(
            f'{name} is {value!r}: it must have a number above 0, as in 2:1'
        )
