"""One HTML page of results, whole in itself; no MXNet."""

from dataclasses import dataclass
from pathlib import Path

from gluon_style import __version__
from gluon_style.records.result import Result
from gluon_style.report.facts import (
    by,
    curves_of,
    facts_of,
    hashes_of,
    loss_text,
    losses_of,
    roles_of,
    settings_of,
    words,
)
from gluon_style.report.markup import (
    Html,
    data,
    fill,
    join,
    jpeg,
    pairs,
    template,
    within,
)

# Longest sides, in pixels, of what the page holds: a result and the content
# picture under its slider, a style picture, and a small content picture.
MOST_SIDE, STYLE_SIDE, SMALL_SIDE = 1600, 800, 320
# Files that browsers show as they are, and how large: any picture of
# ``MOST_SIDE`` has fewer bytes, and a page of more would not be opened.
_SHOWN = {'.jpeg': 'jpeg', '.jpg': 'jpeg', '.png': 'png', '.webp': 'webp'}
_MOST_BYTES = 16 << 20
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
    pictures: dict


def make_page(title, entries):
    """Return the page's HTML; ``check_record`` has passed every entry.

    Raises OSError as reading does.
    """
    settings = [entry.result.record['settings'] for entry in entries]
    varied = [
        name
        for name in dict.fromkeys(name for each in settings for name in each)
        if any(each.get(name) != settings[0].get(name) for each in settings)
    ]
    large_styles = {}
    return fill(
        template('page.html'),
        title=title,
        version=__version__,
        summary=_summary(entries, varied),
        contents=_contents(entries, varied) if len(entries) >= MANY else '',
        entries=join(
            _article(f'r{i}', entry, varied, large_styles)
            for i, entry in enumerate(entries)
        ),
    )


def _summary(entries, varied):
    if len(entries) == 1:
        return 'One result.'
    differ = ', '.join(map(words, varied)) or 'nothing'
    return f'{len(entries)} results. Settings that differ: {differ}.'


def _contents(entries, varied):
    items = (
        fill(
            '<li><a href="#r$i"><img src="$src" alt=""><span class="name">'
            '$name</span><span class="soft">$line</span></a></li>',
            i=i,
            src=jpeg(entry.result.image, _fitting(entry, SMALL_SIDE)),
            name=entry.name,
            line=_line(entry.result.record, varied),
        )
        for i, entry in enumerate(entries)
    )
    return fill(
        '<nav class="sheet" aria-label="Contents"><ol>$items</ol></nav>',
        items=join(items),
    )


def _line(record, varied):
    settings = [
        f'{name} {value}'
        for name, value in settings_of(record, varied).items()
    ]
    if len(settings) > FEW:
        settings = []
    total = loss_text(record['losses']['total'])
    return ', '.join([f'total {total}', *settings])


def _article(id_, entry, varied, large_styles):
    record = entry.result.record
    chips = join(
        fill('<li>$name <b>$value</b></li>', name=name, value=value)
        for name, value in settings_of(record, varied).items()
    )
    return fill(
        template('entry.html'),
        id=id_,
        name=entry.name,
        chips=fill('<ul class="chips">$li</ul>', li=chips) if chips else '',
        stage=_stage(id_, entry),
        notes=join(_notes(entry)),
        inputs=join(_inputs(id_, entry, large_styles)),
        losses=losses_of(record['losses']),
        curves=curves_of(entry.result.history),
        facts=pairs(facts_of(entry.result)),
        settings=pairs({**settings_of(record), **hashes_of(record)}),
    )


def _stage(id_, entry):
    """Return the result, under the content picture where that was found."""
    result = entry.result
    shape = _fitting(entry, MOST_SIDE)
    whole = shape == (result.record['width'], result.record['height'])
    whole = whole and entry.path.stat().st_size <= _MOST_BYTES
    kind = _SHOWN.get(entry.path.suffix.lower())
    values = {
        'id': id_,
        'name': entry.name,
        'width': shape[0],
        'height': shape[1],
        # The file itself, so that a saved copy has the record, too.
        'src': data(kind, entry.path.read_bytes())
        if whole and kind
        else jpeg(result.image, shape),
    }
    slider, hint = '', ''
    if 'content' in entry.pictures:
        hint = 'Drag, or use the arrow keys.'
        slider = fill(
            '<img class="before" id="$id-content" src="$src" '
            'alt="Content picture of $name">'
            '<input type="range" min="0" max="100" value="50" '
            'aria-label="Compare content picture and result $name">'
            '<span class="handle"></span><span class="tag left">Content'
            '</span><span class="tag right">Result</span>',
            # As the package does, whatever the picture's proportions.
            **{**values, 'src': jpeg(entry.pictures['content'], shape)},
        )
    return fill(
        '<figure class="result" style="--width:$width;--height:$height">'
        '<div class="stage"><img id="$id-result" src="$src" alt="Result '
        '$name">$slider</div>'
        '<div class="under"><span class="soft">$hint</span>'
        '<button type="button" class="plain" data-large="$id-result">Enlarge '
        'the result</button></div></figure>',
        **values,
        slider=slider,
        hint=hint,
    )


def _notes(entry):
    record = entry.result.record
    full = record['width'], record['height']
    if (shape := _fitting(entry, MOST_SIDE)) != full:
        yield fill(
            '<p class="soft">Shown here at $small pixels, as JPEG; the file '
            'has $full.</p>',
            small=by(shape),
            full=by(full),
        )
    if 'resized_to' in record:
        yield fill(
            '<p class="soft">The run made $scale pixels; the result is '
            'resized from that.</p>',
            scale=by(record['losses']['scale']),
        )
    elif tuple(record['losses']['scale']) != full:
        yield fill(
            '<p class="soft">The run stopped at $scale pixels; the result is '
            'enlarged from that.</p>',
            scale=by(record['losses']['scale']),
        )
    for role in roles_of(record):
        if role not in entry.pictures:
            yield fill(
                '<p class="missing">The $role picture$name was not found by '
                'its hash: name the folder it is in with <code>--pictures'
                '</code> to see it here.</p>',
                role=role,
                name=f' {file}' if (file := record[role]['file']) else '',
            )


def _inputs(id_, entry, large_styles):
    """Return the content and the style picture as small figures.

    ``large_styles`` has, by hash, the ids of the style pictures that the
    page has already: many results have one style, which is to be there once.
    """
    for role, picture in sorted(entry.pictures.items()):
        height, width = picture.shape[:2]
        large, side = f'{id_}-{role}', SMALL_SIDE
        own = ''
        if role == 'style':
            digest = entry.result.record['style']['sha256']
            if large_styles.setdefault(digest, large) == large:
                own, side = Html(f'id="{large}"'), STYLE_SIDE
            large = large_styles[digest]
        yield fill(
            '<figure><button type="button" class="zoom" data-large="$large" '
            'aria-label="Enlarge the $role picture of $name"><img $own '
            'src="$src" alt="$label picture of $name"></button><figcaption>'
            '<b>$label</b> $file<br>$shape pixels</figcaption></figure>',
            large=large,
            own=own,
            role=role,
            label=role.capitalize(),
            name=entry.name,
            src=jpeg(picture, within((width, height), side)),
            file=entry.result.record[role]['file'] or 'from an array',
            shape=by((width, height)),
        )


def _fitting(entry, side):
    record = entry.result.record
    return within((record['width'], record['height']), side)
