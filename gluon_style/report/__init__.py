"""A report: one page of all results in a folder; no MXNet."""

import contextlib
import logging
import os
import re
from pathlib import Path

from gluon_style import samples
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import is_ours, require_ours
from gluon_style.files.reading import file_digest
from gluon_style.pictures import write as saving
from gluon_style.pictures.read import read_picture
from gluon_style.records.result import Result, picture_record
from gluon_style.report.facts import check_record, roles_of
from gluon_style.report.page import Entry, make_page

logger = logging.getLogger(__name__)

# How many files, at most, are compared with the content and style pictures.
MOST_FILES = 1000
SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.bmp', '.gif')


def write_report(folder, output=None, *, pictures=(), title=None, force=False):
    """Write an HTML page of the results in a folder and those within it.

    ``output`` is by default 'report.html' in the folder. Content and style
    pictures are found by their hashes in the folder and those within it, in
    the folders ``pictures``, in the current one, and among the package's
    samples; for those that are not, and for what is no whole result, a
    warning is logged. Returns the page's path and the number of results.

    Raises ValueError, in one sentence, for a missing folder, one without
    results, an output that is no .html or, unless ``force`` is true, not
    this package's, and OSError as writing does.
    """
    folder = Path(folder)
    output = folder / 'report.html' if output is None else Path(output)
    for place in (folder, *map(Path, pictures)):
        if not place.is_dir():
            raise GluonStyleError(f'folder {str(place)!r} does not exist')
    _check_output(output)
    require_ours(output, force)
    paths = _files_within(folder)
    results = list(_results(paths))
    if not results:
        raise GluonStyleError(
            f'folder {str(folder)!r} has no result of this package: make one '
            'with gluon-style run'
        )
    others = [path for place in (*pictures, '.') for path in _files_in(place)]
    found = _find_pictures([r for _, r in results], paths + others)
    entries = [
        Entry(
            path.relative_to(folder).as_posix(),
            path,
            result,
            {
                role: found[result.record[role]['sha256']]
                for role in roles_of(result.record)
                if result.record[role]['sha256'] in found
            },
        )
        for path, result in results
    ]
    _warn_of_missing(entries)
    if title is None:
        title = f'Stylized pictures in {folder.resolve().name}'
    page = make_page(title, entries)
    with replacing(output) as temporary:
        # A name that is no text, as files may have, costs no report.
        temporary.write_bytes(page.encode('utf-8', 'replace'))
    return output, len(entries)


def _check_output(output):
    if output.suffix != '.html':
        raise GluonStyleError(f'output {str(output)!r} must end in .html')
    if not output.parent.is_dir():
        raise GluonStyleError(
            f'output folder {str(output.parent)!r} does not exist: make it '
            'first'
        )
    if output.is_dir():
        raise GluonStyleError(
            f'output {str(output)!r} is a folder: name a file'
        )


def _files_within(folder):
    """Return the files in a folder and those within it, 2 before 10.

    What is hidden is left out: environments, and files not yet whole.
    """
    paths = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith('.')]
        paths += [Path(place, name) for name in names if name[0] != '.']
    return sorted(paths, key=_natural)


def _natural(path):
    # Pieces at odd places are digits, so that like is compared with like.
    pieces = re.split(r'(\d+)', str(path).lower())
    pieces[1::2] = map(int, pieces[1::2])
    return pieces, str(path)


def _files_in(folder):
    return sorted(Path(folder).iterdir(), key=_natural)


def _results(paths):
    """Yield the path and the result of each; log what is no whole one."""
    for path in paths:
        if not _is_result(path):
            continue
        try:
            result = Result.load(path)
            check_record(result)
        except (OSError, ValueError) as error:
            logger.warning('%s is left out: %s', path, error)
        else:
            yield path, result


def _is_result(path):
    """Return whether a picture has a record within.

    Those of PNG are known by the record beside them, too: programs that make
    such files smaller take out what is within. So are broken ones, which
    have lost it.
    """
    if path.suffix.lower() not in saving.SUFFIXES:
        return False
    beside = is_ours(path.with_suffix('.json'))
    if beside and path.suffix == '.png':
        return True
    within = path.is_file() and saving.record_of(path) is not None
    return within or beside and _is_broken(path)


def _is_broken(path):
    try:
        read_picture(path)
    except (OSError, ValueError):
        return True
    return False


def _find_pictures(results, paths):
    """Return the results' pictures that are found, by hash."""
    records = [r.record[role] for r in results for role in roles_of(r.record)]
    missing = {record['sha256'] for record in records}
    arrays = {r['sha256'] for r in records if r['file'] is None}
    names = {record['file'] for record in records} - {None}
    found = {}

    def offer(digest, source):
        if digest in missing:
            found[digest] = read_picture(source)
            missing.discard(digest)

    def offer_array(picture):
        # What was no file may have become one: then its pixels are the same.
        if arrays & missing:
            offer(picture_record(picture)['sha256'], picture)

    if arrays:
        offer_array(samples.photograph())
    for path in _likely([samples.PAINTING, *paths], names):
        if not missing:
            break
        # Unreadable or broken: then it is none of them.
        with contextlib.suppress(OSError, ValueError):
            offer(file_digest(path), path)
            if arrays & missing and path.suffix.lower() in SUFFIXES:
                offer_array(read_picture(path))
    return found


def _likely(paths, names):
    """Return the files to compare: those of a fitting name first."""
    paths = [
        path
        for path in dict.fromkeys(paths)
        if path.name in names or path.suffix.lower() in SUFFIXES
    ]
    paths.sort(key=lambda path: path.name not in names)
    if len(paths) > MOST_FILES:
        logger.warning(
            'of %d pictures only %d are compared with those of the results',
            len(paths),
            MOST_FILES,
        )
    return [path for path in paths[:MOST_FILES] if path.is_file()]


def _warn_of_missing(entries):
    """Log once for each picture that was not found, not for each result."""
    missing = {}
    for entry in entries:
        for role in roles_of(entry.result.record):
            if role not in entry.pictures:
                record = entry.result.record[role]
                about = role, record['file'], record['sha256']
                missing.setdefault(about, []).append(entry.name)
    for (role, file, digest), names in missing.items():
        more = f' and {len(names) - 1} more' if len(names) > 1 else ''
        logger.warning(
            'the %s picture %s of %r%s was not found: name its folder with '
            '--pictures',
            role,
            f'with the hash {digest[:12]}' if file is None else repr(file),
            names[0],
            more,
        )
