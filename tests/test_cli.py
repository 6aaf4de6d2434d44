"""The command line, end to end, on tiny pictures."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gluon_style import __version__
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.settings import Settings

TINY = ['--size', '32x24', '--epochs', '3', '--lr', '0.1']


@pytest.fixture
def run(command, pictures, weights_file, tmp_path, monkeypatch):
    """Run the command 'run' on tiny pictures; returns code and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_with(*options, output='out.png', inputs=pictures):
        words = ['run', *inputs, '-o', output, '--weights', weights_file]
        if '--preset' not in options:
            options = ['--preset', 'chapter', *options]
        code, run_with.out, err = command(*words, *TINY, *options)
        return code, err

    return run_with


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_run_writes_picture_record_and_plot(run, tmp_path):
    code, err = run('--plot', 'plot.svg')
    assert code == 0, err
    assert names(tmp_path) == ['out.json', 'out.png', 'plot.svg']
    record = json.loads((tmp_path / 'out.json').read_text())
    history = record['history']
    assert [entry['epoch'] for entry in history] == [1, 2, 3]
    assert set(history[0]) == {
        'epoch',
        'scale',
        'content',
        'style',
        'tv',
        'total',
        'seconds',
    }
    assert record['settings']['lr'] == 0.1
    assert record['settings']['lr_decay_epoch'] == 50
    with Image.open(tmp_path / 'out.png') as picture:
        assert picture.size == (32, 24)
        embedded = json.loads(picture.text['gluon_style'])
    assert embedded == {k: v for k, v in record.items() if k != 'history'}
    assert 'out.png: 32x24 pixels, 3 epochs' in run.out
    assert '3/3' in err and 'content' in err and 'TV' in err


def test_every_setting_has_its_option(run, tmp_path):
    code, err = run(
        *('--preset', 'quick', '--size', '40', '--epochs', '2'),
        *('--lr', '0.2', '--lr-decay-epoch', '7', '--content-weight', '2'),
        *('--style-weight', '1e3', '--tv-weight', '5', '--seed', '9'),
        *('--tv-target', 'zero'),
        *('--content-layers', 'conv4_2,conv3_1', '--style-layers', '0, 5'),
        *('--init', 'noise', '--device', 'cpu', '--optimizer', 'adam'),
        *('--no-bounded', '--scales', '2', '--tile', '32'),
        *('--lr-decay', '0.5', '--style-repeats', '3', '--pooling', 'avg'),
        *('--style-loss', 'w2', '--tv-norm', 'l2', '--style-scale', '0.5'),
        *('--style-blend', '2', '--color', 'match', '--feather', '0.1'),
        *('--no-tileable', '--no-guard', '--no-antialias'),
        *('--border', 'zero', '--network', 'vgg19', '--precision', 'float32'),
        *('--stop-at', '1e-3', '--stop-after', '90', '--time-limit', '600'),
        *('--original-size', '--alpha', 'keep'),
    )
    assert code == 0, err
    record = json.loads((tmp_path / 'out.json').read_text())
    settings = record['settings']
    assert Path(settings.pop('weights')).suffix == '.npz'
    assert settings == {
        'size': 40,
        'epochs': 2,
        'lr': 0.2,
        'lr_decay_epoch': 7,
        'lr_decay': 0.5,
        'content_weight': 2,
        'style_weight': 1e3,
        'tv_weight': 5,
        'strength': None,
        'network': 'vgg19',
        'content_layers': ['conv4_2', 'conv3_1'],
        'style_layers': ['conv1_1', 'conv2_1'],
        'style_repeats': 3,
        'pooling': 'avg',
        'border': 'zero',
        'precision': 'float32',
        'style_loss': 'w2',
        'tv_norm': 'l2',
        'tv_target': 'zero',
        'style_blend': [2],
        'style_scale': 0.5,
        'alpha': 'keep',
        'antialias': False,
        'color': 'match',
        'feather': 0.1,
        'tileable': False,
        'init': 'noise',
        'seed': 9,
        'device': 'cpu',
        'optimizer': 'adam',
        'bounded': False,
        'guard': False,
        'scales': 2,
        'first': None,
        'tile': 32,
        'stop_at': 1e-3,
        'stop_after': 90,
        'time_limit': 600,
        'restarts': [],
        'original_size': True,
    }
    # A first stage comes with a preset only.
    assert set(settings) | {'weights'} == set(vars(Settings()))


def test_scales_are_shown_and_recorded(run, tmp_path):
    code, err = run('--preset', 'fast', '--size', '132x128', '--epochs', '4')
    assert code == 0, err
    assert '88x85' in err and '132x128' in err and '4/4' in err
    assert 'at 132x128, weights' in run.out
    history = json.loads((tmp_path / 'out.json').read_text())['history']
    scales = [entry['scale'] for entry in history]
    assert scales == [[88, 85]] + [[132, 128]] * 4


def test_stopped_at_a_coarse_scale_it_says_so(run, tmp_path):
    code, err = run(
        *('--preset', 'fast', '--size', '132x128', '--time-limit', '1e-6')
    )
    assert code == 0, err
    assert 'stopped at 88x85: the picture is enlarged from that' in err
    assert 'at 88x85, weights' in run.out
    with Image.open(tmp_path / 'out.png') as picture:
        assert picture.size == (132, 128)


def test_quiet_prints_nothing(run):
    assert run('--quiet') == (0, '')
    assert run.out == ''


# Long, for these run with all threads, and the others with one.
@pytest.mark.long
def test_same_command_same_bytes(run, tmp_path):
    run('--init', 'noise', '--seed', '5')
    first = (tmp_path / 'out.png').read_bytes()
    run('--init', 'noise', '--seed', '5')
    assert (tmp_path / 'out.png').read_bytes() == first


@pytest.mark.parametrize(
    'options, sentence',
    [
        (['--epochs', '-5'], 'epochs is -5: it must be a whole number'),
        (['--epochs', 'ten'], "--epochs: 'ten' is not a whole number"),
        (['--lr', 'x'], "--lr: 'x' is not a number"),
        (['--lr', 'inf'], 'lr is inf: it must be a finite number from'),
        (['--size', '0'], "--size: '0' is not a size: give 450x300 or the"),
        (['--lr', '1e300'], 'lr is 1e+300: it must be a finite number from'),
        (['--size', '9999999x32'], 'MXNet can hold the features of at most'),
        (
            ['--size', '450x'],
            "'450x' is not a size: give 450x300 or the longe",
        ),
        (['--size', '64x8'], 'need at least 16 either way'),
        (['--size', '16'], 'a picture of 16x11 pixels: the chosen layers'),
        (['--content-layers', 'conv9'], "layer 'conv9' is not in VGG-19"),
        (['--style-layers', ''], 'style_layers is empty: name at least one'),
        (['--weights', 'vgg'], "weights 'vgg' are unknown: choose auto, zoo"),
        (['--device', 'tpu'], "device 'tpu' is unknown: choose auto, cpu"),
        (['--preset', 'slow'], "preset 'slow' is unknown: choose from fast"),
        (['--optimizer', 'sgd'], "optimizer is 'sgd': it must be adam or lb"),
        (['--scales', '0'], 'scales is 0: it must be a whole number of at'),
        (['--tile', '50'], 'tile is 50: it must be auto, off or a multiple'),
        (['--tile', 'big'], "--tile: 'big' is not a whole number"),
        (['--stop-at', '-1'], 'stop_at is -1.0: it must be a finite number'),
        (['--time-limit', '0'], 'time_limit is 0.0: it must be a finite'),
        (
            ['--init', 'blank'],
            "init is 'blank': it must be content, style, no",
        ),
        (['--init', 'blend:9'], 'the part of noise must be from 0 to 1'),
        (['--pooling', 'min'], "pooling is 'min': it must be max or avg"),
        (['--border', 'wrap'], "border is 'wrap': it must be zero or repl"),
        (['--style-blend', '1:2'], 'style_blend is 1:2 and the number of'),
        (['--style-blend', '1:x'], "--style-blend: 'x' is not a number"),
        (['--style-layers', 'conv1_1:-1'], "has the weight '-1': it must be"),
        (['--mask', 'no.png'], "picture 'no.png' is not a file"),
        (['--config', 'no.toml'], "config 'no.toml' is not a file"),
        (['--config', 'a.yaml'], "config 'a.yaml' must end in .toml, or in"),
        (['--animation', 'a.avi'], "animation 'a.avi' must end in .gif or .m"),
        (['--save-every', '0'], 'save_every is 0: it must be a whole number'),
        (['--tileable'], 'pixels: a tileable one must be a multiple of 16'),
        (['--seed', '-1'], 'seed is -1: it must be a whole number from 0'),
        (['--plot', 'a.doc'], "figure 'a.doc' must end in .svg, .png or .pdf"),
        (['--plot', 'out.png'], "'out.png' is also another file of this run"),
        (['--plot', 'no/a.svg'], "output folder 'no' does not exist: make it"),
        (['--wide'], "option '--wide' is unknown"),
        (['--patience', '0'], "'0' is not a time: give a number of minutes"),
        (['--patience', 'nan'], "'nan' is not a time: give a number of min"),
    ],
)
def test_bad_options_get_one_sentence(run, tmp_path, options, sentence):
    code, err = run(*options)
    assert code == 2
    assert sentence in err
    assert err.count('\n') == 1
    assert 'Traceback' not in err
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    'output, sentence',
    [
        ('no/out.png', "output folder 'no' does not exist: make it first"),
        ('out.bmp', "output 'out.bmp' must end in .png, .jpg, .jpeg, .webp"),
        ('folder.png', "'folder.png' cannot be written: name a file in"),
    ],
)
def test_bad_outputs_get_one_sentence(run, tmp_path, output, sentence):
    (tmp_path / 'folder.png').mkdir()
    code, err = run(output=output)
    assert (code, err.count('\n')) == (2, 1)
    assert sentence in err
    assert names(tmp_path) == ['folder.png']


def test_bad_pictures_get_one_sentence(run, tmp_path, pictures):
    (tmp_path / 'text.jpg').write_text('hello')
    whole = Path(pictures[1]).read_bytes()
    (tmp_path / 'cut.jpg').write_bytes(whole[: len(whole) // 2])
    before = names(tmp_path)
    for picture, sentence in (
        ('none.jpg', "picture 'none.jpg' is not a file"),
        ('text.jpg', "picture 'text.jpg' is not in a format that Pillow"),
        ('cut.jpg', "picture 'cut.jpg' is broken or incomplete"),
    ):
        for inputs in ((picture, pictures[1]), (pictures[0], picture)):
            code, err = run('--quiet', inputs=inputs)
            assert (code, err.count('\n')) == (2, 1)
            assert sentence in err
    assert names(tmp_path) == before


def test_an_input_is_never_overwritten(run, tmp_path, pictures):
    shutil.copy(pictures[0], 'in.png')
    before = (tmp_path / 'in.png').read_bytes()
    code, err = run(output='in.png', inputs=('in.png', pictures[1]))
    assert code == 2
    assert "output 'in.png' is also another file of this run" in err
    assert (tmp_path / 'in.png').read_bytes() == before


def test_a_gpu_asked_for_and_absent_is_an_error(run, tmp_path):
    from gluon_style import try_all_gpus

    if 'gpu' in str(try_all_gpus()[0]):
        pytest.skip('this machine has a GPU')
    code, err = run('--device', 'gpu', '--quiet')
    assert code == 2
    assert "device 'gpu' does not exist: MXNet sees 0 GPUs" in err
    assert names(tmp_path) == []


def test_an_almost_full_disk_is_noticed_before_the_run(
    run, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: usage)
    code, err = run()
    assert code == 2
    assert 'has 5 MB free: at least 16 MB are needed' in err


def test_a_disk_that_fills_up_leaves_nothing(
    command, pictures, weights_file, tmp_path
):
    # A limit of a file's size fails the same writes as a full disk.
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    words = ['run', *pictures, '-o', 'out.png', '--weights', weights_file]
    words += ['--size', '64x48', '--epochs', '1', '--quiet']
    environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'}
    code, _, err = command.alone(
        *words, cwd=tmp_path, preexec_fn=limit, env=environment
    )
    assert code == 2
    assert 'gluon-style: cannot read or write: File too large' in err
    assert 'Traceback' not in err
    assert names(tmp_path) == []


def test_a_non_finite_loss_keeps_the_last_good_picture(run, tmp_path):
    code, err = run('--lr', '1e25')
    assert code == 3
    assert 'the loss is not finite at epoch 2: try a smaller lr' in err
    assert 'the last good picture is in out.png' in err
    assert names(tmp_path) == ['out.json', 'out.png']
    record = json.loads((tmp_path / 'out.json').read_text())
    assert len(record['history']) == 1


def test_a_loss_that_diverges_in_spite_of_the_guard_exits_3(run, tmp_path):
    code, err = run('--guard', '--lr', '1e25', '--epochs', '20')
    assert code == 3 and err.splitlines()[-1].count('diverges at epoch') == 1
    assert 'the last good picture is in out.png' in err
    assert names(tmp_path) == ['out.json', 'out.png']


def test_a_non_finite_loss_from_the_start_writes_nothing(run, tmp_path):
    code, err = run('--tv-weight', '3.4e38', '--init', 'noise')
    assert code == 3
    assert 'at epoch 1' in err and 'nothing was written' in err
    assert names(tmp_path) == []


def test_a_name_as_long_as_can_be_is_written(run, tmp_path):
    name = 'a' * 250
    code, err = run(output=f'{name}.png')
    assert code == 0, err
    assert names(tmp_path) == [f'{name}.json', f'{name}.png']


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    'bug', [ZeroDivisionError('division by zero'), ValueError('shapes')]
)
def test_a_bug_shows_itself(command, monkeypatch, bug):
    from gluon_style.weights import sources

    monkeypatch.setattr(sources, 'fetch', failing(bug))
    with pytest.raises(type(bug), match=str(bug)):
        command('weights', 'fetch', 'oxford')


BUG = """
from gluon_style import cli
from gluon_style.cli import doctor

def run(args):
    import numpy
    {}

doctor.run = run
raise SystemExit(cli.main(['doctor']))
"""


@pytest.mark.parametrize(
    'line, last',
    [
        ('1 / 0', 'ZeroDivisionError: division by zero'),
        (
            'numpy.zeros(2) + numpy.zeros(3)',
            'ValueError: operands could not be broadcast together',
        ),
    ],
)
def test_a_bug_has_its_traceback_and_exit_code_1(line, last):
    done = subprocess.run(
        [sys.executable, '-c', BUG.format(line)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr.startswith('Traceback')
    assert done.stderr.splitlines()[-1].startswith(last)


@pytest.mark.parametrize(
    'error', [GluonStyleError('a is b: give c'), FileNotFoundError('no a')]
)
def test_a_mistake_is_its_sentence(command, monkeypatch, error):
    from gluon_style.weights import sources

    monkeypatch.setattr(sources, 'fetch', failing(error))
    failed = command('weights', 'fetch', 'oxford')
    assert failed == (2, '', f'gluon-style: {error}\n')


# What MXNet 1.9.1, MXNet 2.0.0b1 and oneDNN wrote on a machine whose memory
# was full, and CUDA's text.
@pytest.mark.parametrize(
    'text',
    [
        'Failed to allocate CPU Memory',
        'Memory allocation failed Cannot allocate memory',
        'could not create a memory object',
        'Check failed: e == cudaSuccess (2 vs. 0) : out of memory',
        None,
    ],
)
def test_lack_of_memory_is_a_sentence(run, tmp_path, during_run, text):
    from mxnet import MXNetError

    error = MemoryError() if text is None else MXNetError(text)
    during_run(begin=failing(error))
    code, err = run('--quiet')
    assert (code, err.count('\n')) == (2, 1)
    assert err.startswith('gluon-style: out of memory: choose a smaller size')
    assert names(tmp_path) == []


def test_another_error_of_mxnet_is_a_bug(run, during_run):
    from mxnet import MXNetError

    during_run(begin=failing(MXNetError('Check failed: shapes differ')))
    with pytest.raises(MXNetError, match='shapes differ'):
        run('--quiet')


def test_interrupting_is_no_traceback(run, tmp_path, monkeypatch):
    import gluon_style.methods.gatys.stylize as module

    def interrupted(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(module, 'stylize', interrupted)
    code, err = run()
    assert (code, err) == (
        130,
        'gluon-style: interrupted: nothing was written\n',
    )
    assert names(tmp_path) == []


def test_demo_needs_no_argument(command, tmp_path, monkeypatch, weights_file):
    from gluon_style.cli import demo

    # So it does not say that somebody asked for a source.
    assert demo.SETTINGS.weights == 'auto'
    changes = {'epochs': 1, 'size': 48, 'weights': weights_file}
    settings = demo.SETTINGS.changed(changes)
    monkeypatch.setattr(demo, 'SETTINGS', settings)
    assert command('demo', cwd=tmp_path)[0] == 0
    assert names(tmp_path) == ['demo.json', 'demo.png']
    with Image.open(tmp_path / 'demo.png') as picture:
        assert picture.size == (48, 32)


def test_version(command):
    assert command('--version') == (0, f'gluon-style {__version__}\n', '')


def test_weights_commands(command, tmp_path, monkeypatch):
    monkeypatch.setenv('MXNET_HOME', str(tmp_path))
    code, out, _ = command('weights', 'list')
    assert code == 0
    for word in (
        'zoo: not in the cache',
        'oxford:',
        'CC BY 4.0',
        'sha256:bde',
    ):
        assert word in out
    code, out, _ = command('weights', 'verify')
    assert code == 0 and 'no weights are in the cache' in out

    models = tmp_path / 'models'
    models.mkdir()
    (models / 'vgg19-ad2f660d.params').write_bytes(b'broken')
    code, out, _ = command('weights', 'list')
    assert code == 0 and 'zoo: BROKEN' in out
    code, out, _ = command('weights', 'verify')
    assert code == 1 and 'zoo: missing or broken' in out
    code, _, err = command('weights', 'verify', 'auto')
    assert code == 2 and "weights 'auto' are unknown" in err
    code, _, err = command('weights', 'fetch', 'vgg')
    assert code == 2 and "weights 'vgg' are unknown" in err


def test_a_name_that_the_terminal_cannot_write_is_no_bug(command, tmp_path):
    env = {**os.environ, 'PYTHONIOENCODING': 'ascii'}
    env['MXNET_HOME'] = str(tmp_path / 'f\xfcr')
    code, out, err = command.alone('weights', 'list', env=env)
    assert code == 0, err
    assert '/f\\xfcr/' in out


def test_weights_needs_an_action(command):
    assert command('weights') == (
        2,
        '',
        'gluon-style: no action is named: choose list, fetch, verify or '
        'convert\n',
    )


def test_weights_convert_and_verify_a_file(command, tmp_path, monkeypatch):
    from conftest import random_layers

    from gluon_style.layers import CONV_SHAPES
    from gluon_style.weights.formats import read_layers, write_layers

    monkeypatch.chdir(tmp_path)
    layers = random_layers(list(CONV_SHAPES))
    write_layers('all.npz', layers)
    code, out, _ = command('weights', 'verify', 'all.npz')
    assert code == 0 and 'all.npz: good' in out
    convert = ['weights', 'convert', 'all.npz', 'all.params']
    assert command(*convert)[0] == 0
    code, _, err = command(*convert)
    assert code == 2 and "'all.params' exists: give another name" in err
    assert command(*convert, '--force')[0] == 0
    found, _ = read_layers('all.params')
    for name, (weight, bias) in layers.items():
        assert (found[name][0] == weight).all()
        assert (found[name][1] == bias).all()
    code, _, err = command('weights', 'convert', 'all.npz', 'all.onnx')
    assert code == 2 and "ends in '.onnx'" in err
    assert not Path('all.onnx').exists()
