"""The errors of users, and what each of them is besides."""

import pickle

import pytest

from gluon_style import errors
from gluon_style.methods.gatys.recovery import MOST_HALVINGS


@pytest.mark.parametrize(
    'child, parents',
    [
        (errors.GluonStyleError, (ValueError,)),
        (errors.MissingPackageError, (errors.GluonStyleError, ImportError)),
        (errors.OutOfMemoryError, (errors.GluonStyleError, MemoryError)),
        (errors.WeightsError, (errors.GluonStyleError,)),
        (
            errors.NonFiniteLossError,
            (errors.GluonStyleError, ArithmeticError),
        ),
        (errors.DivergedError, (errors.NonFiniteLossError,)),
    ],
)
def test_every_error_of_a_user_is_a_value_error(child, parents):
    assert child.__bases__ == parents


def test_a_diverged_loss_names_the_epoch_and_what_was_tried():
    error = errors.DivergedError(7, 'pixels', 'losses', ['history'])
    assert (error.epoch, error.X, error.losses) == (7, 'pixels', 'losses')
    assert error.history == ['history'] and error.result is None
    assert 'epoch 7' in str(error)
    words = {1: 'once', 2: 'twice', 3: 'three times', 4: 'four times'}
    assert f'halved {words[MOST_HALVINGS]}' in str(error)


@pytest.mark.parametrize(
    'kind', [errors.NonFiniteLossError, errors.DivergedError]
)
def test_a_loss_that_is_not_finite_leaves_a_pool_of_processes(kind):
    error = kind(7, 'pixels', 'losses', ['history'])
    error.result = 'result'
    loaded = pickle.loads(pickle.dumps(error))
    assert type(loaded) is kind and str(loaded) == str(error)
    assert vars(loaded) == vars(error)
