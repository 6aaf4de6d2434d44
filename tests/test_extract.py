"""One member out of an archive, and nothing else."""

import io
import os
import tarfile
import zipfile

import pytest

from gluon_style.errors import GluonStyleError
from gluon_style.files.archive import ZipReader, extract_member


def extracted(folder, members, name='member', most_bytes=1000):
    """Extract a member of a tar and of a zip; return both contents."""
    contents = []
    for suffix in ('.tar.gz', '.zip'):
        archive = folder / 'inside' / f'a{suffix}'
        archive.parent.mkdir(exist_ok=True)
        pack(archive, members)
        target = folder / 'inside' / 'target'
        try:
            extract_member(archive, name, target, most_bytes)
            contents.append(target.read_bytes())
        finally:
            target.unlink(missing_ok=True)
            archive.unlink()
    return contents


def pack(archive, members):
    """Write ``members``, pairs of a tarfile.TarInfo and its content."""
    if archive.suffix == '.zip':
        with zipfile.ZipFile(archive, 'w') as packed:
            for info, content in members:
                packed.writestr(info.name, content)
        return
    with tarfile.open(archive, 'w:gz') as packed:
        for info, content in members:
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))


def packed_file(name, content=b'', kind=tarfile.REGTYPE, link=''):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, content


@pytest.mark.parametrize(
    'name', ['../outside', '/tmp/../outside', 'a/../../outside']
)
def test_members_never_leave_their_folder(tmp_path, name):
    members = [packed_file('member', b'x'), packed_file(name, b'evil')]
    assert extracted(tmp_path, members) == [b'x', b'x']
    # Even the one asked for goes to the target and nowhere else.
    assert extracted(tmp_path, members, name) == [b'evil', b'evil']
    assert [p.name for p in tmp_path.rglob('*')] == ['inside']


def test_a_member_is_cut_at_the_most_bytes(tmp_path):
    members = [packed_file('member', bytes(5_000_000))]
    assert extracted(tmp_path, members) == [bytes(1000)] * 2


@pytest.mark.parametrize(
    'kind, link, reason',
    [
        (tarfile.SYMTYPE, '/etc/passwd', 'not found'),
        (tarfile.SYMTYPE, 'member', 'not found|RecursionError'),
        (tarfile.LNKTYPE, '../outside', 'not found'),
        (tarfile.DIRTYPE, '', 'is not a file'),
        (tarfile.FIFOTYPE, '', 'is not a file'),
    ],
)
def test_a_member_that_is_not_a_file_is_refused(tmp_path, kind, link, reason):
    members = [packed_file('member', kind=kind, link=link)]
    with pytest.raises(GluonStyleError, match=reason):
        extracted(tmp_path, members)


@pytest.mark.parametrize('suffix', ['.zip', '.tar.gz'])
def test_broken_archives_and_missing_members_are_refused(tmp_path, suffix):
    archive = tmp_path / f'a{suffix}'
    pack(archive, [packed_file('member', os.urandom(50_000))])
    with pytest.raises(GluonStyleError, match="'other'"):
        extract_member(archive, 'other', tmp_path / 'target', 100_000)
    whole = archive.read_bytes()
    broken = [whole[:30_000], b'no archive', b'']
    if suffix == '.zip':
        # The checksum of a .tar.gz comes after all its members.
        broken.append(whole[:20_000] + b'flipped' + whole[20_007:])
    for content in broken:
        archive.write_bytes(content)
        with pytest.raises(GluonStyleError, match='not a whole archive'):
            extract_member(archive, 'member', tmp_path / 'target', 100_000)


def test_a_target_that_cannot_be_written_is_an_error_of_the_disk(tmp_path):
    pack(tmp_path / 'a.zip', [packed_file('member', b'x')])
    with pytest.raises(IsADirectoryError):
        extract_member(tmp_path / 'a.zip', 'member', tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        extract_member(tmp_path / 'b.zip', 'member', tmp_path / 't', 10)


def test_a_bug_of_the_caller_is_not_taken_for_a_broken_archive(tmp_path):
    pack(tmp_path / 'a.zip', [packed_file('member', b'x')])
    with pytest.raises(ZeroDivisionError), ZipReader(tmp_path / 'a.zip') as a:
        with a.open('member') as member:
            assert member.read(5) == b'x'
            raise ZeroDivisionError
