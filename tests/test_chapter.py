"""The chapter's run from first to last, as its readers would start it."""

import json

import pytest

from gluon_style import cli
from gluon_style.calibrate import PUBLISHED


@pytest.mark.slow
def test_final_losses_are_the_published_ones(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures = [
        str(shared / 'img' / name)
        for name in ('rainier.jpg', 'autumn-oak.jpg')
    ]
    command = ['run', *pictures, '-o', 'out.png', '--weights', 'oxford']
    assert cli.main([*command, '--preset', 'chapter', '--quiet']) == 0
    last = json.loads((tmp_path / 'out.json').read_text())['history'][-1]
    assert last['epoch'] == 500
    for name, published in PUBLISHED.items():
        assert last[name] == pytest.approx(published, rel=0.2), name
