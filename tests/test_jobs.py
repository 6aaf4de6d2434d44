"""Jobs: each is made once, and made anew where what is there is not it."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import picture
from PIL import Image

from gluon_style import NonFiniteLossError, Settings
from gluon_style.many import jobs
from gluon_style.many.executors import InThisProcess
from gluon_style.many.jobs import Job, check_job, finished, run
from gluon_style.methods.observers import Observer
from gluon_style.weights.choice import find_weights


class Notes(Observer):
    """Note what is called, in order."""

    every = 1

    def __init__(self):
        self.calls = []

    def begin(self, plan):
        self.calls.append(plan.steps)

    def epoch(self, history, picture):
        self.calls.append(history[-1].epoch)

    def end(self, result):
        self.calls.append('end')

    def close(self):
        self.calls.append('close')


@pytest.fixture
def job(pictures, weights_file):
    settings = Settings(size=(32, 24), epochs=2, weights=weights_file)
    return Job('one', *pictures, settings)


def test_a_run_is_made_once(job, tmp_path):
    folder = tmp_path / 'new' / 'folder'
    assert finished(job, folder) is None
    notes = Notes()
    first = run(job, folder, lambda job: [notes])
    assert notes.calls == [[((32, 24), 2)], 1, 2, 'end', 'close']
    before = (folder / 'one.png').stat().st_mtime_ns
    again = run(job, folder, lambda job: [notes])
    assert len(notes.calls) == 5
    assert (again.image == first.image).all()
    assert again.history == first.history
    assert (folder / 'one.png').stat().st_mtime_ns == before


def test_no_folder_is_listed_for_each_picture_that_is_not_there(
    job, tmp_path, monkeypatch
):
    # Of ten thousand jobs that would take most of the time.
    def fail(*_):
        pytest.fail('it is listed')

    run(job, tmp_path)
    for name in ('iterdir', 'glob', 'rglob'):
        monkeypatch.setattr(Path, name, fail)
    assert finished(replace(job, name='two'), tmp_path) is None
    assert finished(job, tmp_path) is not None


def test_restarts_do_not_make_another_run(job, tmp_path):
    # Adam does not begin anew, so its record has none.
    settings = job.settings.changed({'restarts': (1,)})
    run(Job('one', job.content, job.style, settings), tmp_path)
    assert finished(job, tmp_path) is not None


def test_a_job_can_be_sent_to_another_process(tmp_path, weights_file):
    settings = Settings(size=(32, 24), epochs=1, weights=weights_file)
    job = Job('one', picture(60, 40), picture(50, 50, seed=2), settings)
    sent = pickle.loads(pickle.dumps(job))
    assert sent.settings == settings
    run(sent, tmp_path)
    assert finished(job, tmp_path) is not None


def test_a_given_net_is_used(job, tmp_path, weights_file):
    from gluon_style.chapter.vgg import build_net

    # Deeper than the job needs, and with the same weights.
    net = build_net(['conv5_2'], ['conv5_2'], weights=weights_file)
    given = run(job, tmp_path / 'given', net_for=lambda job: net)
    own = run(job, tmp_path / 'own')
    assert (given.image == own.image).all()
    assert given.record == own.record


def test_weights_that_are_chosen_already_are_taken(
    job, tmp_path, weights_file
):
    own = run(job, tmp_path)
    settings = job.settings.changed({'weights': 'auto'})
    jobs = [
        replace(job, name=name, settings=settings, weights=weights)
        for name, weights in (
            ('path', weights_file),
            ('file', find_weights(weights_file)),
        )
    ]
    outcomes = dict(InThisProcess().outcomes(jobs, tmp_path))
    for index, each in enumerate(jobs):
        assert outcomes[index].record.weights == own.record.weights
        assert outcomes[index].record.settings['weights'] == 'auto'
        made = finished(each, tmp_path)
        assert made is not None and (made.image == own.image).all()


@pytest.mark.parametrize(
    'changes, sentence',
    [
        ({'content': 'none.png'}, "'none.png' is not a file"),
        ({'style': 'none.png'}, "'none.png' is not a file"),
        ({'settings': Settings(size=5)}, 'a picture of 5x3 pixels'),
    ],
)
def test_a_job_that_cannot_run_is_refused_before(
    job, tmp_path, changes, sentence
):
    job = replace(job, **changes)
    with pytest.raises((FileNotFoundError, ValueError), match=sentence):
        check_job(job, tmp_path)


def test_what_is_finished_needs_no_mxnet(job, tmp_path, without_mxnet):
    result = run(job, tmp_path)
    done = without_mxnet(
        'from gluon_style import Settings;'
        'from gluon_style.many.jobs import Job, run;'
        f'settings = Settings(**{vars(job.settings)!r});'
        f'job = Job("one", {job.content!r}, {job.style!r}, settings);'
        f'print(run(job, {str(tmp_path)!r}).record.losses.total)'
    )
    assert float(done) == result.record.losses.total


def test_what_another_program_writes_during_the_run_is_kept(job, tmp_path):
    class Another(Observer):
        def end(self, result):
            (tmp_path / 'one.png').write_bytes(b'mine')

    with pytest.raises(ValueError, match='was not written by this program'):
        run(job, tmp_path, lambda job: [Another()])
    assert (tmp_path / 'one.png').read_bytes() == b'mine'


def test_other_settings_pictures_or_versions_are_another_run(
    job, tmp_path, monkeypatch
):
    run(job, tmp_path)
    assert finished(job, tmp_path) is not None
    others = [
        Job('one', job.content, job.style, job.settings.changed({'lr': 0.5})),
        Job('one', picture(60, 40, seed=9), job.style, job.settings),
        Job('one', job.content, job.content, job.settings),
        Job('two', job.content, job.style, job.settings),
    ]
    assert [finished(other, tmp_path) for other in others] == [None] * 4
    monkeypatch.setattr(jobs, '__version__', '99')
    assert finished(job, tmp_path) is None


def test_a_broken_result_is_made_anew(job, tmp_path):
    run(job, tmp_path)
    (tmp_path / 'one.json').write_text('{')
    assert finished(job, tmp_path) is None
    run(job, tmp_path)
    assert finished(job, tmp_path) is not None


def deep(depth):
    """Return tables within each other, ``depth`` of them."""
    value = {}
    for _ in range(depth):
        value = {'a': value}
    return value


EPOCH = {
    'epoch': 1,
    'scale': [32, 24],
    **dict.fromkeys(('content', 'style', 'tv', 'total', 'seconds'), 1.0),
}
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
    {'history': [{**EPOCH, 'seconds': None}]},
    {'history': [{**EPOCH, 'total': '1'}]},
]


@pytest.mark.parametrize('stripped', [False, True])
def test_a_record_of_another_shape_is_none(job, tmp_path, stripped):
    run(job, tmp_path)
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
    run(job, tmp_path)
    path = tmp_path / 'one.json'
    text = path.read_text()
    others = '{"a":' * 200_000 + '1' + '}' * 200_000
    for broken in ('[' * 200_000, f'{text[:-3]}, "others": {others}}}'):
        path.write_text(broken)
        assert finished(job, tmp_path) is None
        run(job, tmp_path)
        assert path.read_text()[:20] == text[:20]


def test_a_picture_beside_the_record_of_another_run_is_made_anew(
    job, tmp_path
):
    former = run(job, tmp_path)
    record = (tmp_path / 'one.json').read_bytes()
    other = Job(
        'one', job.content, job.style, job.settings.changed({'epochs': 3})
    )
    # A process that is killed between the two renames leaves them so.
    run(other, tmp_path)
    newer = (tmp_path / 'one.png').read_bytes()
    (tmp_path / 'one.json').write_bytes(record)
    assert finished(job, tmp_path) is None
    assert finished(other, tmp_path) is None
    again = run(job, tmp_path)
    assert (again.image == former.image).all()
    assert (tmp_path / 'one.png').read_bytes() != newer
    assert finished(job, tmp_path) is not None


def test_a_failed_run_leaves_nothing(job, tmp_path):
    worse = job.settings.changed({'lr': 1e30, 'epochs': 5})
    with pytest.raises(NonFiniteLossError):
        run(Job('one', job.content, job.style, worse), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_start_is_another_run(job, tmp_path):
    start = tmp_path / 'start.png'
    Image.fromarray(picture(32, 24, seed=3)).save(start)
    settings = job.settings.changed({'init': str(start)})
    job = Job('one', job.content, job.style, settings)
    run(job, tmp_path)
    assert finished(job, tmp_path) is not None
    Image.fromarray(picture(32, 24, seed=4)).save(start)
    assert finished(job, tmp_path) is None


@pytest.mark.parametrize('suffix', ['.png', '.json'])
def test_a_file_of_another_program_is_kept_unless_forced(
    job, tmp_path, suffix
):
    path = (tmp_path / 'one').with_suffix(suffix)
    path.write_text('{"mine": 1}')
    with pytest.raises(ValueError, match='was not written by this program'):
        run(job, tmp_path)
    assert path.read_text() == '{"mine": 1}'
    run(job, tmp_path, force=True)
    assert finished(job, tmp_path) is not None
