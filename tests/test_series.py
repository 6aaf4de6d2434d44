import json

import pytest
from conftest import picture
from PIL import Image

from gluon_style import NonFiniteLossError, Settings
from gluon_style.many import jobs as series
from gluon_style.many.jobs import Job, finished


@pytest.fixture
def job(pictures, weights_file):
    settings = Settings(size=(32, 24), epochs=2, weights=weights_file)
    return Job('one', *pictures, settings)


def test_a_run_is_made_once(job, tmp_path):
    folder = tmp_path / 'new' / 'folder'
    assert finished(job, folder) is None
    watched = []

    class Watcher:
        def __init__(self, job):
            watched.append(job.name)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            watched.append('end')

        def planned(self, steps):
            watched.append(steps)

        def __call__(self, history, X):
            watched.append(history[-1]['epoch'])

    first = series.run(job, folder, Watcher)
    assert watched == ['one', [((32, 24), 2)], 1, 2, 'end']
    before = (folder / 'one.png').stat().st_mtime_ns
    again = series.run(job, folder, Watcher)
    assert len(watched) == 5
    assert (again.image == first.image).all()
    assert again.history == first.history
    assert (folder / 'one.png').stat().st_mtime_ns == before


def test_epochs_to_begin_anew_after_are_no_other_run(job, tmp_path):
    # Adam does not begin anew, which its record says.
    settings = job.settings.changed({'restarts': (1,)})
    series.run(Job('one', job.content, job.style, settings), tmp_path)
    assert finished(job, tmp_path) is not None


def test_what_another_program_writes_meanwhile_is_kept(job, tmp_path):
    class Watcher:
        def __init__(self, job):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            (tmp_path / 'one.png').write_bytes(b'mine')

        def planned(self, steps):
            pass

        def __call__(self, history, X):
            pass

    with pytest.raises(ValueError, match='was not written by this program'):
        series.run(job, tmp_path, Watcher)
    assert (tmp_path / 'one.png').read_bytes() == b'mine'


def test_other_settings_pictures_or_versions_are_another_run(
    job, tmp_path, monkeypatch
):
    series.run(job, tmp_path)
    assert finished(job, tmp_path) is not None
    others = [
        Job('one', job.content, job.style, job.settings.changed({'lr': 0.5})),
        Job('one', picture(60, 40, seed=9), job.style, job.settings),
        Job('one', job.content, job.content, job.settings),
        Job('two', job.content, job.style, job.settings),
    ]
    assert [finished(other, tmp_path) for other in others] == [None] * 4
    monkeypatch.setattr(series, '__version__', '99')
    assert finished(job, tmp_path) is None


def test_a_broken_result_is_made_anew(job, tmp_path):
    series.run(job, tmp_path)
    (tmp_path / 'one.json').write_text('{')
    assert finished(job, tmp_path) is None
    series.run(job, tmp_path)
    assert finished(job, tmp_path) is not None


def deep(depth):
    """Return an object within others, as deep as said."""
    value = {}
    for _ in range(depth):
        value = {'a': value}
    return value


ODD = [
    {'versions': []},
    {'versions': None},
    {'others': [1]},
    {'others': 'init'},
    {'content': None},
    {'content': 'content.png'},
    {'style': []},
    {'settings': None},
    {'settings': deep(400)},
    {'losses': []},
    {'losses': {'scale': [32, 24]}},
    {'losses': {'scale': []}},
    {'history': []},
    {'history': {}},
    {'history': [1]},
    {'history': [{'scale': [32, 24], 'epoch': 'one'}]},
]


@pytest.mark.parametrize('stripped', [False, True])
def test_a_record_of_another_shape_is_none(job, tmp_path, stripped):
    series.run(job, tmp_path)
    path = tmp_path / 'one.json'
    text = path.read_text()
    if stripped:
        picture = tmp_path / 'one.png'
        Image.open(picture).save(picture)
    for change in ODD:
        path.write_text(json.dumps({**json.loads(text), **change}))
        assert finished(job, tmp_path) is None, change
    path.write_text(text)
    assert finished(job, tmp_path) is not None


def test_a_deep_record_is_made_anew(job, tmp_path):
    series.run(job, tmp_path)
    path = tmp_path / 'one.json'
    text = path.read_text()
    others = '{"a":' * 200_000 + '1' + '}' * 200_000
    for broken in ('[' * 200_000, f'{text[:-3]}, "others": {others}}}'):
        path.write_text(broken)
        assert finished(job, tmp_path) is None
        series.run(job, tmp_path)
        assert path.read_text()[:20] == text[:20]


def test_a_picture_beside_the_record_of_another_run_is_made_anew(
    job, tmp_path
):
    former = series.run(job, tmp_path)
    record = (tmp_path / 'one.json').read_bytes()
    other = Job(
        'one', job.content, job.style, job.settings.changed({'epochs': 3})
    )
    # As who is killed between the two renames leaves them.
    series.run(other, tmp_path)
    newer = (tmp_path / 'one.png').read_bytes()
    (tmp_path / 'one.json').write_bytes(record)
    assert finished(job, tmp_path) is None
    assert finished(other, tmp_path) is None
    again = series.run(job, tmp_path)
    assert (again.image == former.image).all()
    assert (tmp_path / 'one.png').read_bytes() != newer
    assert finished(job, tmp_path) is not None


def test_a_failed_run_leaves_nothing(job, tmp_path):
    worse = job.settings.changed({'lr': 1e30, 'epochs': 5})
    with pytest.raises(NonFiniteLossError):
        series.run(Job('one', job.content, job.style, worse), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_start_is_another_run(job, tmp_path):
    start = tmp_path / 'start.png'
    Image.fromarray(picture(32, 24, seed=3)).save(start)
    settings = job.settings.changed({'init': str(start)})
    job = Job('one', job.content, job.style, settings)
    series.run(job, tmp_path)
    assert finished(job, tmp_path) is not None
    Image.fromarray(picture(32, 24, seed=4)).save(start)
    assert finished(job, tmp_path) is None


@pytest.mark.parametrize('suffix', ['.png', '.json'])
def test_anothers_file_is_kept_unless_forced(job, tmp_path, suffix):
    path = (tmp_path / 'one').with_suffix(suffix)
    path.write_text('{"mine": 1}')
    with pytest.raises(ValueError, match='was not written by this program'):
        series.run(job, tmp_path)
    assert path.read_text() == '{"mine": 1}'
    series.run(job, tmp_path, force=True)
    assert finished(job, tmp_path) is not None
