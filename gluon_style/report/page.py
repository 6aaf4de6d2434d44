"""Make one HTML page of results, whole in itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from gluon_style import __version__
from gluon_style.pictures import Array
from gluon_style.records.record import Record
from gluon_style.records.result import Result
from gluon_style.report.curves import LABELS, loss_curves
from gluon_style.report.facts import (
    facts_of,
    hashes_of,
    loss_text,
    method_text,
    name_text,
    settings_of,
    shape_text,
)
from gluon_style.report.images import file_address, fitted, jpeg_address

# Longest sides, in pixels, of what the page holds: a result and the content
# picture under its slider, a style picture, and a small content picture.
MOST_SIDE, STYLE_SIDE, SMALL_SIDE = 1600, 800, 320
# With so many results, small pictures at the top lead to each.
MANY = 4
# So many settings that differ still fit under a small picture.
FEW = 4


@dataclass(frozen=True)
class Entry:
    """A result on the page.

    ``pictures`` has an array (height, width, 3) of uint8 for each of
    'content' and 'style' that was found.
    """

    name: str
    path: Path
    result: Result
    pictures: dict[str, Array]


def make_page(
    title: str, entries: list[Entry], reload: int | None = None
) -> str:
    """Return the page's HTML. Raises OSError as reading a picture does.

    A browser shows it anew every ``reload`` seconds.
    """
    varied = _varied([entry.result.record for entry in entries])
    styles = _large_styles(entries)
    return _template('page.html').render(
        title=title,
        reload=reload,
        version=__version__,
        summary=_summary(len(entries), varied),
        contents=[
            _content(f'r{i}', entry, varied) for i, entry in enumerate(entries)
        ]
        if len(entries) >= MANY
        else [],
        articles=(
            _article(f'r{i}', entry, varied, styles)
            for i, entry in enumerate(entries)
        ),
    )


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        # A record may hold anything, also HTML.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _varied(records: list[Record]) -> list[str]:
    """Return the names of the settings that differ."""
    settings = [record.settings for record in records]
    return [
        name
        for name in dict.fromkeys(name for each in settings for name in each)
        if any(each.get(name) != settings[0].get(name) for each in settings)
    ]


def _large_styles(entries: list[Entry]) -> dict[str | None, str]:
    """Return the id of each large style picture, by hash.

    Many results have the same style, which is in the page once.
    """
    styles: dict[str | None, str] = {}
    for i, entry in enumerate(entries):
        if 'style' in entry.pictures:
            digest = entry.result.record.pictures['style'].sha256
            styles.setdefault(digest, f'r{i}-style')
    return styles


def _summary(count: int, varied: list[str]) -> str:
    if count == 1:
        return 'One result.'
    differ = ', '.join(map(name_text, varied)) or 'nothing'
    return f'{count} results. Settings that differ: {differ}.'


def _content(id_: str, entry: Entry, varied: list[str]) -> dict[str, Any]:
    """Return the small picture at the top that leads to a result."""
    record = entry.result.record
    settings = [
        f'{fact.name} {fact.text}' for fact in settings_of(record, varied)
    ]
    if len(settings) > FEW:
        settings = []
    about = [method_text(record)]
    if record.losses is not None:
        about = [f'total {loss_text(record.losses.total)}']
    return {
        'id': id_,
        'src': jpeg_address(entry.result.image, _fitted(entry, SMALL_SIDE)),
        'name': entry.name,
        'line': ', '.join([*about, *settings]),
    }


def _article(
    id_: str, entry: Entry, varied: list[str], styles: dict[str | None, str]
) -> dict[str, Any]:
    """Return what the template says about a result."""
    result, record = entry.result, entry.result.record
    labels = {**LABELS, 'total': 'total'}
    return {
        'id': id_,
        'name': entry.name,
        'varied': settings_of(record, varied),
        'stage': _stage(entry),
        'notes': _notes(entry),
        'inputs': list(_inputs(id_, entry, styles)),
        'losses': [
            (name, label, loss_text(getattr(record.losses, name)))
            for name, label in labels.items()
            if record.losses is not None
        ],
        'curves': loss_curves(result.history) if result.history else '',
        'facts': facts_of(result),
        'settings': [*settings_of(record), *hashes_of(record)],
    }


def _stage(entry: Entry) -> dict[str, Any]:
    """Return the result, and the content picture if that was found."""
    record, shape = entry.result.record, _fitted(entry, MOST_SIDE)
    src = None
    if shape == (record.width, record.height):
        src = file_address(entry.path)
    content = entry.pictures.get('content')
    return {
        'width': shape[0],
        'height': shape[1],
        'src': src or jpeg_address(entry.result.image, shape),
        # In the result's proportions, as the run saw it.
        'before': None if content is None else jpeg_address(content, shape),
    }


def _notes(entry: Entry) -> dict[str, Any]:
    """Return what is to be said under a result, by what it is about."""
    record = entry.result.record
    full, shown = (record.width, record.height), _fitted(entry, MOST_SIDE)
    scale = record.losses.scale if record.losses is not None else full
    change = ''
    if record.resized_to is not None:
        change = 'made {}; the result is resized from that'
    elif scale != full:
        change = 'stopped at {}; the result is enlarged from that'
    return {
        'full': shape_text(full),
        'reduced': shape_text(shown) if shown != full else '',
        'change': change.format(f'{shape_text(scale)} pixels'),
        'missing': [
            (role, record.pictures[role].file)
            for role in record.shown
            if role not in entry.pictures
        ],
    }


def _inputs(
    id_: str, entry: Entry, styles: dict[str | None, str]
) -> Iterator[dict[str, Any]]:
    """Yield the content and the style picture as small figures."""
    for role, picture in sorted(entry.pictures.items()):
        height, width = picture.shape[:2]
        own = large = f'{id_}-{role}'
        side = SMALL_SIDE
        source = entry.result.record.pictures[role]
        if role == 'style':
            large = styles[source.sha256]
            side = STYLE_SIDE if large == own else SMALL_SIDE
        yield {
            # The large content picture is the one under the slider.
            'id': own if role == 'style' and large == own else '',
            'large': large,
            'role': role,
            'src': jpeg_address(picture, fitted((width, height), side)),
            'file': source.file or 'from an array',
            'shape': shape_text((width, height)),
        }


def _fitted(entry: Entry, side: int) -> tuple[int, int]:
    record = entry.result.record
    return fitted((record.width, record.height), side)
