"""Write the tables, the curves and the sheets of pictures."""

import dataclasses
import math
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

from .curves import VOTES, compare
from .measures import RECOGNIZED, Measures
from .pairs import CONTENTS, SHORT, pair
from .styles import STYLES

# How far from the style's the grain may be.
GRAIN_TOLERANCE = 0.1
_CELL, _TEXT = 200, 14
_RED, _GRAY = '#c02020', '#606060'
_MOST_NAMES = 8
_COLUMNS = [f.name for f in dataclasses.fields(Measures)]


def markdown(head, rows):
    """Return a table in Markdown."""
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines)


def _number(value, digits=3):
    return '-' if math.isnan(value) else f'{value:.{digits}f}'


def _means(results):
    """Return the mean of every measure, the seconds and the memory."""
    measures = [
        numpy.mean([getattr(r.measures, name) for r in results])
        for name in _COLUMNS
    ]
    seconds = numpy.mean([r.seconds for r in results])
    peak = max(r.peak_bytes for r in results) / 1e9
    return [*map(_number, measures), f'{seconds:.1f}', f'{peak:.2f}']


def strengths_table(table):
    """Return the means at every strength, over the pairs all have."""
    pairs = table.curve_pairs()
    rows = []
    for name, program in table.programs.items():
        for strength in table.strengths(name):
            results = [table.at(name, strength)[pair] for pair in pairs]
            mark = ' (default)' if strength == program.default else ''
            knob = f'{program.knob} {strength:g}{mark}'
            rows.append([name, knob, *_means(results)])
    head = ['program', 'strength', *_COLUMNS, 'seconds', 'peak GB']
    return markdown(head, rows)


def defaults_table(table):
    """Return the means at the defaults, over the pairs all have there."""
    pairs = table.default_pairs()
    rows = []
    for name in table.programs:
        if not table.at_default(name):
            continue
        results = [table.at_default(name)[pair] for pair in pairs]
        lost = sum(r.measures.kept < RECOGNIZED for r in results)
        grainy = sum(_grain_is_off(r.measures) for r in results)
        rows.append([name, *_means(results), lost, grainy])
    head = ['program', *_COLUMNS, 'seconds', 'peak GB']
    return markdown([*head, f'kept < {RECOGNIZED}', 'grain off'], rows)


def comparison_table(table, reference):
    """Return the programs at equal content kept, by each vote."""
    rows = []
    for vote in VOTES:
        for other in compare(table, reference, vote):
            rows.append(
                [
                    vote.name,
                    other.program,
                    _number(other.kept),
                    _number(other.reference),
                    _number(other.taken),
                    f'{other.won} of {other.comparable}',
                ]
            )
    head = [
        'seen by',
        'program',
        f'{reference} keeps',
        f'{reference} takes',
        'the program takes there',
        f'pairs where {reference} takes more',
    ]
    return markdown(head, rows)


def _grain_is_off(measures):
    return abs(measures.grain - 1) > GRAIN_TOLERANCE


def weak_pairs(table):
    """Return sentences that name the pairs which need a look."""
    lines = []
    for name in table.programs:
        results = sorted(table.at_default(name).items())
        lost = [
            f'{pair} {r.measures.kept:.2f}'
            for pair, r in results
            if r.measures.kept < RECOGNIZED
        ]
        grainy = [
            f'{pair} {r.measures.grain:.2f}'
            for pair, r in results
            if _grain_is_off(r.measures)
        ]
        lines.append(
            f'- {name}: kept under {RECOGNIZED}: {_listed(lost)}. '
            f"Grain beyond 10% of the style's: {_listed(grainy)}.\n"
        )
    return ''.join(lines)


def _listed(names):
    return ', '.join(names) or 'none'


def draw_curves(table, path):
    """Draw the style taken against the content kept, for each vote."""
    from matplotlib import pyplot as plt

    pairs = table.curve_pairs()
    figure, axes = plt.subplots(1, len(VOTES), figsize=(5 * len(VOTES), 5))
    for ax, vote in zip(axes, VOTES):
        for name, program in table.programs.items():
            kept, taken = table.curve(name, vote, pairs)
            [line] = ax.plot(kept, taken, '.-', label=name)
            strengths = table.strengths(name)
            if program.default in strengths:
                i = strengths.index(program.default)
                ax.plot(kept[i], taken[i], 'o', color=line.get_color())
        ax.set(
            title=f'seen by {vote.name}',
            xlabel='content kept',
            ylabel='style taken',
        )
        ax.grid(alpha=0.3)
    axes[0].axvline(RECOGNIZED, color='gray', linewidth=0.5)
    axes[0].legend(fontsize=8)
    figure.savefig(path, bbox_inches='tight')
    plt.close(figure)


def draw_sheet(results, path, size):
    """Write a sheet of pictures: contents down, styles across.

    ``results`` is by pair; under each picture stand its kept and taken, in
    red where the subject is lost or the grain is not the style's.
    """
    names = [name.split('-') for name in results]
    contents = [c for c in CONTENTS if any(c == name[0] for name in names)]
    styles = [s for s in STYLES if any(s == name[1] for name in names)]
    shape = (len(styles) + 1) * _CELL, (len(contents) + 1) * (_CELL + _TEXT)
    sheet = Image.new('RGB', shape, 'white')

    def place(row, column, source, text, color=_GRAY):
        with Image.open(source) as img:
            img = img.convert('RGB')
        img.thumbnail((_CELL - 4, _CELL - 4), Image.Resampling.LANCZOS)
        x, y = column * _CELL, row * (_CELL + _TEXT)
        sheet.paste(img, (x, y))
        draw = ImageDraw.Draw(sheet)
        draw.text((x, y + img.size[1]), text, fill=color)

    for row, content in enumerate(contents, 1):
        source = pair(f'{content}-{styles[0]}', size).content
        place(row, 0, source, content)
    for column, style in enumerate(styles, 1):
        source = pair(f'{contents[0]}-{style}', size).style
        place(0, column, source, style)
    for name, result in results.items():
        content, style = name.split('-')
        m = result.measures
        text = f'kept {m.kept:.2f} taken {m.taken:.2f} grain {m.grain:.2f}'
        weak = m.kept < RECOGNIZED or _grain_is_off(m)
        place(
            contents.index(content) + 1,
            styles.index(style) + 1,
            result.path,
            text,
            _RED if weak else _GRAY,
        )
    sheet.save(path)


def draw_triples(results, path, size):
    """Write content, style and picture of pairs, two of them in a row.

    ``results`` is by pair. The page of good pictures shows it.
    """
    height, gap = _CELL, 6
    rows = []
    for name, result in results.items():
        sources = pair(name, size)
        images = []
        for source in (sources.content, sources.style, result.path):
            with Image.open(source) as img:
                width = round(height * img.width / img.height)
                images.append(img.convert('RGB').resize((width, height)))
        rows.append(images)
    column = max(sum(img.width + gap for img in images) for images in rows)
    shape = 2 * column + 2 * gap, math.ceil(len(rows) / 2) * (height + gap)
    sheet = Image.new('RGB', shape, 'white')
    for i, images in enumerate(rows):
        x, y = i % 2 * (column + 2 * gap), i // 2 * (height + gap)
        for img in images:
            sheet.paste(img, (x, y))
            x += img.width + gap
    sheet.save(path, quality=88)


def write(table, folder, reference, size):
    """Write report.md, curves.svg, and sheets for each program."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    curve_pairs, default_pairs = table.curve_pairs(), table.default_pairs()
    text = ''
    if curve_pairs:
        draw_curves(table, folder / 'curves.svg')
        text += (
            f'At each strength, means of {len(curve_pairs)} pairs '
            f'({", ".join(curve_pairs[:_MOST_NAMES])}'
            f'{", ..." * (len(curve_pairs) > _MOST_NAMES)}), {size} pixels:'
            f'\n\n{strengths_table(table)}\n'
        )
    compared = curve_pairs and len(table.programs) > 1
    if compared and set(curve_pairs) <= set(table.at_default(reference)):
        text += (
            f'At the content that {reference} keeps at its default:\n\n'
            f'{comparison_table(table, reference)}\n'
        )
    if default_pairs:
        text += (
            f'At the defaults, means of {len(default_pairs)} pairs:\n\n'
            f'{defaults_table(table)}\n'
        )
    text += weak_pairs(table)
    (folder / 'report.md').write_text(text)
    for name in table.programs:
        results = table.at_default(name)
        if results:
            draw_sheet(results, folder / f'sheet-{name}.png', size)
        short = {pair: results[pair] for pair in SHORT if pair in results}
        if short:
            draw_triples(short, folder / f'short-{name}.jpg', size)
    return text
