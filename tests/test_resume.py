import pytest

from gluon_style import Settings, stylize

LOSSES = ('content', 'style', 'tv', 'total')
KINDS = {
    'adam': {'lr': 0.5, 'lr_decay_epoch': 4},
    'adam with guard': {'lr': 0.5, 'lr_decay_epoch': 4, 'guard': True},
    'adam, bounded, two scales': {'lr': 0.5, 'bounded': True, 'scales': 2},
    'adam, two stages': {
        'lr': 0.5,
        'first': {'scale': 0.8, 'epochs': 5, 'lr': 0.2, 'lr_decay_epoch': 3},
    },
    'lbfgs': {'optimizer': 'lbfgs'},
    'lbfgs, bounded, two scales': {
        'optimizer': 'lbfgs',
        'bounded': True,
        'guard': True,
        'scales': 2,
    },
}
kinds = pytest.mark.parametrize('kind', KINDS)


class Killed(BaseException):
    """What no code of the package catches."""


@pytest.fixture
def tiny(weights_file):
    return Settings(
        size=(100, 96),
        epochs=11,
        content_layers='conv2_1',
        style_layers=('conv1_1', 'conv2_1'),
        weights=weights_file,
    )


@pytest.fixture
def run(pictures, tiny, tmp_path):
    """Stylize with a checkpoint every 3 epochs; killed at some epoch."""

    def stylized(killed_at=None, folder='kept', **options):
        def callback(history, X):
            if len(history) == killed_at:
                raise Killed

        options = {
            'checkpoint': tmp_path / folder,
            'checkpoint_every': 3,
            'callback': callback,
            **options,
        }
        settings = options.pop('settings', tiny)
        return stylize(*pictures, settings, **options)

    return stylized


def assert_same(found, expected):
    assert len(found.history) == len(expected.history)
    for entry, other in zip(found.history, expected.history):
        assert (entry['epoch'], entry['scale']) == (
            other['epoch'],
            other['scale'],
        )
        for name in LOSSES:
            assert entry[name] == pytest.approx(other[name], rel=1e-5)
    assert (found.image == expected.image).all()
    assert found.record == expected.record


@kinds
def test_a_killed_run_ends_as_one_that_was_not(run, kind):
    expected = run(folder='other', **KINDS[kind])
    for epoch in (2, 5, 6, 10, len(expected.history)):
        with pytest.raises(Killed):
            run(epoch, resume=True, **KINDS[kind])
    assert_same(run(resume=True, **KINDS[kind]), expected)


@pytest.mark.parametrize('kind', ['adam', 'adam, bounded, two scales'])
def test_adam_is_not_changed_by_saving(run, kind):
    assert_same(run(**KINDS[kind]), run(checkpoint=None, **KINDS[kind]))
