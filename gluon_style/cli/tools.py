"""The commands around the pictures: doctor, weights, report, bundle."""

from pathlib import Path

from gluon_style.errors import GluonStyleError


def doctor(args):
    from gluon_style.classroom.doctor import PROBLEM, examine

    problem = False
    for finding in examine():
        print(f'{finding.level:8} {finding.text}')
        if finding.mend:
            print(f'{"":8}   -> {finding.mend}')
        problem |= finding.level == PROBLEM
    if problem:
        print('A class cannot start before each PROBLEM is mended.')
        return 1
    print('A class can start.')
    return 0


def list_weights(args):
    from gluon_style.weights.sources import SOURCES, is_intact

    for source in SOURCES.values():
        state = 'not in the cache'
        if source.path.exists():
            state = 'in the cache' if is_intact(source) else 'BROKEN'
        print(f'{source.name}: {state} ({source.path})')
        print(f'  from     {source.origin}')
        print(f'  licence  {source.licence}')
        print(f'  bytes    at most {source.size}')
        print(f'  hash     {source.digest}')
        print(f'  input    {source.convention}')
        print(f'  scaling  {source.scaling}')
    return 0


def fetch_weights(args):
    from gluon_style.weights.sources import fetch

    print(fetch(args.name))
    return 0


def verify_weights(args):
    from gluon_style.weights import load_weights
    from gluon_style.weights.sources import SOURCES, is_intact

    names = args.names or [n for n, s in SOURCES.items() if s.path.exists()]
    code = 0
    for name in names:
        if name in SOURCES:
            good, where = is_intact(SOURCES[name]), SOURCES[name].path
        elif Path(name).is_file():
            # A file that does not load is an error of its own.
            good, where = True, load_weights(name).path
        else:
            raise GluonStyleError(
                f'weights {name!r} are unknown: choose from '
                f'{", ".join(SOURCES)}, or a file that exists'
            )
        print(f'{name}: {"good" if good else "missing or broken"} ({where})')
        code = code if good else 1
    if not names:
        print('no weights are in the cache')
    return code


def convert_weights(args):
    from gluon_style.weights import load_weights
    from gluon_style.weights.formats import write_layers

    # A file of weights does not say who wrote it.
    if Path(args.output).exists() and not args.force:
        raise GluonStyleError(
            f'{args.output!r} exists: give another name, or --force to '
            'overwrite it'
        )
    weights = load_weights(args.weights)
    write_layers(args.output, weights.layers)
    print(f'{args.output}: the weights {weights.source}, for this package')
    return 0


def report(args):
    from gluon_style.report import write_report

    path, count = write_report(
        args.folder,
        args.output,
        pictures=args.pictures,
        title=args.title,
        force=args.force,
    )
    megabytes = path.stat().st_size / 1e6
    noun = 'result' if count == 1 else 'results'
    print(f'{path}: {count} {noun}, {megabytes:.1f} MB')
    return 0


def bundle(args):
    from gluon_style.classroom.bundle import make_bundle

    bundle = make_bundle(args.folder, args.weights, args.project)
    print(
        f'{bundle.folder}: {bundle.wheels} wheels, the weights '
        f'{args.weights}, {bundle.size / 1e6:.0f} MB in all; copy it, and '
        'run on each computer: sh install.sh'
    )
    return 0
