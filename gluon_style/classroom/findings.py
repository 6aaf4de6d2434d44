"""What a check of the machine found, and how to fix it."""

from dataclasses import dataclass

GOOD, ADVICE, PROBLEM = 'good', 'advice', 'PROBLEM'


@dataclass(frozen=True)
class Finding:
    """What one check found.

    ``level`` is GOOD, ADVICE (a class can start) or PROBLEM (it cannot).
    ``mend`` is the command that fixes it, or says what else to do.
    """

    text: str
    level: str = GOOD
    mend: str = ''
