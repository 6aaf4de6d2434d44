"""The chapter's figure, in full, beside what the book published."""

import pytest

from gluon_style import cli


@pytest.mark.slow
@pytest.mark.parametrize('edition', ['chapter', 'chapter-v0.17'])
def test_losses_come_near_the_published(edition, shared, tmp_path, capsys):
    code = cli.main(
        [
            *('figure', edition, '-o', str(tmp_path), '--weights', 'oxford'),
            *('--content', str(shared / 'img' / 'rainier.jpg')),
            *('--style', str(shared / 'img' / 'autumn-oak.jpg')),
        ]
    )
    out = capsys.readouterr().out
    assert code == 0, out
    compared = [line for line in out.splitlines() if 'published' in line]
    assert len(compared) == 3
    assert all(line.startswith('good') for line in compared)
