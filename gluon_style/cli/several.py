"""The commands figure and sweep: many pictures."""

import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from gluon_style.cli.progress import NOT_FINITE, complain, watch
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import claim
from gluon_style.files.ours import require_ours
from gluon_style.methods.gatys.presets import preset


def figure(args):
    """Draw a figure and print its checks; 1 if one is out."""
    from gluon_style.figures import RECIPES, Options, draw

    if args.list:
        for name, recipe in RECIPES.items():
            print(f'{name:16} {recipe.about}')
        return 0
    if args.name is None:
        raise GluonStyleError(
            f'no figure is named: choose {", ".join(RECIPES)}'
        )
    options = Options(
        content=args.content,
        style=args.style,
        size=args.size,
        quick=args.quick,
        reference=args.reference,
        weights=args.weights,
        device=args.device,
        force=args.force,
    )
    with claim(Path(args.output, f'{args.name}.png')):
        path, checks = draw(
            args.name, args.output, options, watch=watch(args.quiet)
        )
    words = {True: 'good', False: 'OUT', None: 'open'}
    for check in checks:
        print(f'{words[check.good]:4} {check.text}')
    print(path)
    return 1 if any(check.good is False for check in checks) else 0


def sweep(args):
    """Make a preview of all combinations, and then all of them."""
    from gluon_style.many.sweep import combinations, previewed

    given, chosen = vars(args), preset(args.preset)
    values = {name: given[name] for name in asdict(chosen) if name in given}
    # What has one value varies nothing; --bounded has no list.
    varied = {
        name: several
        for name, several in values.items()
        if isinstance(several, list) and len(several) > 1
    }
    common = {
        name: value[0] if isinstance(value, list) else value
        for name, value in values.items()
        if name not in varied
    }
    settings = chosen.changed(common)
    cells = combinations(args.contents, args.styles, settings, varied)
    for picture in [*args.contents, *args.styles]:
        if not Path(picture).is_file():
            raise FileNotFoundError(f'picture {picture!r} is not a file')
    folder = Path(args.output)
    stages = [(cells, folder, folder / 'contact.png')]
    if args.preview:
        small = previewed(cells, args.preview)
        preview = (small, folder / 'preview', folder / 'preview.png')
        stages.insert(0, preview)
    with ExitStack() as claims:
        for _, place, sheet in stages:
            claims.enter_context(claim(place / 'manifest.jsonl'))
            require_ours(sheet, args.force)
            require_ours(place / 'manifest.jsonl', args.force)
        for stage in stages:
            failed = _sweep_stage(*stage, args)
    return NOT_FINITE if failed else 0


def _sweep_stage(cells, folder, sheet, args):
    """Run cells and draw their contact sheet; returns how many failed."""
    from gluon_style.many import sweep as module

    done, began, quiet = [], time.perf_counter(), args.quiet
    for cell in module.sweep(cells, folder, watch(quiet), args.force):
        done.append(cell)
        if cell.error is not None:
            complain(f'{cell.job.name}: {cell.error}')
        elif not quiet:
            total = cell.result.record['losses']['total']
            print(
                f'{len(done)}/{len(cells)} {cell.job.name}: total {total:.2f}'
            )
        if not quiet:
            elapsed = time.perf_counter() - began
            left = elapsed / len(done) * (len(cells) - len(done)) / 60
            if left > 1:
                print(f'about {left:.0f} min are left')
    module.contact_sheet(done, sheet)
    if not quiet:
        print(sheet)
    return sum(cell.error is not None for cell in done)
