"""The table of what was tried, how often, and what was lost."""

from dataclasses import dataclass, field


@dataclass
class Row:
    """One thing that was tried, ``times`` times.

    ``lost`` has a sentence for each time that something was lost or differed.
    ``remark`` is a measured number, or how it was tried.
    """

    tried: str
    times: int = 0
    lost: list = field(default_factory=list)
    remark: str = ''


HEAD = '| tried | times | lost or different | remark |\n|---|---|---|---|'


def as_markdown(row):
    """Return the line of a row."""
    lost = len(row.lost) or 'nothing'
    return f'| {row.tried} | {row.times} | {lost} | {row.remark} |'
