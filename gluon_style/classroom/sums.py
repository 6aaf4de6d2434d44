"""The file SHA256SUMS of a bundle: the hash of each of its files."""

from __future__ import annotations

from pathlib import Path

from gluon_style.files.reading import file_digest

SUMS = 'SHA256SUMS'


def list_files(folder: Path) -> list[str]:
    """Return the files in a folder, as relative names, in order."""
    paths = (p for p in folder.rglob('*') if p.is_symlink() or p.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def write_sums(folder: Path) -> int:
    """Write the hashes of all files in a folder; return the files' bytes."""
    files = list_files(folder)
    lines = [f'{file_digest(folder / file)}  {file}\n' for file in files]
    (folder / SUMS).write_text(''.join(lines))
    return sum((folder / file).stat().st_size for file in files)


def find_foreign(folder: Path) -> list[str]:
    """Return what a folder holds beside an unchanged bundle.

    These are relative names, in order: of files and links that the folder's
    sums do not list or list with another hash, and of folders in which the
    sums list no file.
    """
    if folder.is_file():
        return [folder.name]
    sums = _read_sums(folder / SUMS)
    folders = {parent for name in sums for parent in name.parents}

    def is_ours(name: Path) -> bool:
        path = folder / name
        if path.is_symlink():
            return False
        if path.is_dir():
            return name in folders
        return name in sums and sums[name] in (None, file_digest(path))

    names = [path.relative_to(folder) for path in sorted(folder.rglob('*'))]
    return [name.as_posix() for name in names if not is_ours(name)]


def _read_sums(path: Path) -> dict[Path, str | None]:
    """Return the hash of each file of a bundle, None for SHA256SUMS itself.

    A file of this name that does not list a wheel of gluon_style is not from
    a bundle, and counts as empty.
    """
    if not path.is_file():
        return {}
    lines = path.read_text(errors='replace').splitlines()
    pairs = [line.partition('  ') for line in lines]
    if not any(name.startswith('wheels/gluon_style-') for _, _, name in pairs):
        return {}
    return {Path(name): digest for digest, _, name in pairs} | {
        Path(SUMS): None
    }
