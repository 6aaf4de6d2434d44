import pickle
import re
import subprocess
import sys
import zipfile

import h5py
import numpy
import pytest
import torch_writer
from conftest import random_layers

from gluon_style.errors import MissingPackageError, WeightsError
from gluon_style.layers import LAYER_NAMES
from gluon_style.weights.formats import READERS, read_layers, write_layers
from gluon_style.weights.npz import write_npz
from gluon_style.weights.torch import read_torch

WANTED = ('conv1_1', 'conv1_2')


@pytest.fixture
def layers():
    return random_layers(WANTED)


def by_feature(layers, prefix=''):
    arrays = {}
    for name, (weight, bias) in layers.items():
        stem = f'{prefix}features.{LAYER_NAMES.index(name)}'
        arrays[f'{stem}.weight'], arrays[f'{stem}.bias'] = weight, bias
    return arrays


def check(path, layers, convention='rgb'):
    actual, actual_convention = read_layers(path, WANTED)
    assert actual_convention == convention
    assert list(actual) == list(WANTED)
    for name in WANTED:
        for a, b in zip(actual[name], layers[name]):
            assert a.dtype == 'float32' and a.shape == b.shape
            assert (a == b).all()


@pytest.mark.parametrize('suffix', ['.npz', '.params', '.safetensors'])
def test_what_is_written_is_read(tmp_path, layers, suffix):
    path = tmp_path / f'weights{suffix}'
    write_layers(path, layers)
    check(path, layers)
    assert list(tmp_path.iterdir()) == [path]


# Writes no file of more than 3000 bytes, as on a disk that is full.
WRITE = """
import resource, signal, sys
from gluon_style.cli.messages import sentence
from gluon_style.weights.formats import read_layers, write_layers
layers, _ = read_layers(sys.argv[1], ['conv1_1', 'conv1_2'])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    write_layers(sys.argv[2], layers)
except OSError as error:
    print(sentence(error))
"""


@pytest.mark.parametrize('suffix', ['.npz', '.params', '.safetensors'])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path, layers, suffix
):
    source, output = tmp_path / 'a.npz', tmp_path / f'b{suffix}'
    write_layers(source, layers)
    done = subprocess.run(
        [sys.executable, '-c', WRITE, source, output],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count('\n') == 1
    assert 'File too large' in done.stdout or 'disk is full' in done.stdout
    assert list(tmp_path.iterdir()) == [source]


def test_params_of_gluon_itself(tmp_path, layers):
    from mxnet import np
    from mxnet.gluon import nn

    net = nn.Sequential()
    net.features = nn.Sequential()
    net.features.add(nn.Conv2D(64, 3, in_channels=3), nn.Activation('relu'))
    net.features.add(nn.Conv2D(64, 3, in_channels=64))
    net.initialize()
    net.features(np.ones((1, 3, 8, 8)))
    for i, name in ((0, 'conv1_1'), (2, 'conv1_2')):
        net.features[i].weight.set_data(np.array(layers[name][0]))
        net.features[i].bias.set_data(np.array(layers[name][1]))
    path = tmp_path / 'gluon.params'
    net.save_parameters(str(path))
    check(path, layers)


@pytest.mark.parametrize('prefix', ['', 'arg:'])
def test_params_with_gluons_old_names(tmp_path, layers, prefix):
    from mxnet import nd

    arrays = {}
    for i, (weight, bias) in enumerate(layers.values()):
        arrays[f'{prefix}vgg0_conv{i}_weight'] = nd.array(weight)
        arrays[f'{prefix}vgg0_conv{i}_bias'] = nd.array(bias)
    path = tmp_path / 'old.params'
    nd.save(str(path), arrays)
    check(path, layers)


@pytest.mark.parametrize(
    'weight_name, bias_name',
    [
        ('{0}/{0}_W_1:0', '{0}/{0}_b_1:0'),
        ('{0}/{0}/kernel:0', '{0}/{0}/bias:0'),
        ('model_weights/{0}/{0}/kernel:0', 'model_weights/{0}/{0}/bias:0'),
        ('layers/{0}/kernel', 'layers/{0}/bias'),
    ],
)
def test_h5_of_keras(tmp_path, layers, weight_name, bias_name):
    path = tmp_path / 'keras.h5'
    with h5py.File(path, 'w') as file:
        for name, (weight, bias) in layers.items():
            keras = name.replace('conv', 'block').replace('_', '_conv')
            file[weight_name.format(keras)] = weight.transpose(2, 3, 1, 0)
            file[bias_name.format(keras)] = bias
    check(path, layers, 'bgr')


@pytest.mark.parametrize('suffix', ['.pth', '.pt'])
@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('parameters', [False, True])
def test_pth_of_torchvision(tmp_path, layers, suffix, legacy, parameters):
    path = tmp_path / f'torch{suffix}'
    arrays = {**by_feature(layers), 'classifier.0.weight': numpy.ones((2, 2))}
    torch_writer.save(path, arrays, legacy, parameters)
    check(path, layers)


def test_pth_inside_a_checkpoint(tmp_path, layers):
    path = tmp_path / 'checkpoint.pth'
    torch_writer.save(
        path,
        by_feature(layers, prefix='module.'),
        wrap=lambda tensors: {'epoch': 3, 'state_dict': tensors},
    )
    check(path, layers)


def test_pth_with_strides(tmp_path):
    path = tmp_path / 'strides.pth'
    array = numpy.asfortranarray(
        numpy.arange(6, dtype='float32').reshape(2, 3)
    )
    torch_writer.save(path, {'a': array})
    assert (read_torch(path)['a'] == array).all()


@pytest.mark.parametrize('legacy', [False, True])
def test_quantized_weights(tmp_path, layers, legacy):
    arrays, expected = {}, {}
    rng = numpy.random.RandomState(0)
    for name, (weight, bias) in layers.items():
        keras = name.replace('conv', 'block').replace('_', '_conv')
        table = numpy.sort(rng.normal(size=256)).astype('float32')
        indices = rng.randint(0, 256, weight.shape).astype('uint8')
        arrays[f'{keras}_W_q'] = indices
        arrays[f'{keras}_W_table'] = table
        arrays[f'{keras}_b'] = bias
        expected[name] = table[indices], bias
    path = tmp_path / 'quantized.bin'
    torch_writer.save(path, arrays, legacy)
    check(path, expected, 'bgr')


class Evil:
    def __reduce__(self):
        return print, ('executed',)


@pytest.mark.parametrize('zipped', [True, False])
def test_pickle_runs_no_code(tmp_path, capsys, zipped):
    path = tmp_path / 'evil.pth'
    if zipped:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('archive/data.pkl', pickle.dumps(Evil()))
    else:
        path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(WeightsError, match='asks for builtins.print, which'):
        read_layers(path, WANTED)
    assert 'executed' not in capsys.readouterr().out


def test_npz_loads_no_pickle(tmp_path):
    path = tmp_path / 'evil.npz'
    numpy.savez(path, conv1_1_weight=numpy.array([Evil()], dtype=object))
    with pytest.raises(WeightsError, match='cannot be read as .npz'):
        read_layers(path, WANTED)


def broken(layers, name, change):
    layers = dict(layers)
    layers[name] = change(*layers[name])
    return layers


@pytest.mark.parametrize(
    'change, sentence',
    [
        (lambda w, b: (w[:, :1], b), 'has shape (64, 1, 3, 3), not (64, 3'),
        (lambda w, b: (w, b[:7]), 'the bias of conv1_1 has shape (7,)'),
        (lambda w, b: (w * numpy.nan, b), 'does not consist of finite floats'),
        (lambda w, b: (w.astype(int), b), 'does not consist of finite floats'),
    ],
)
def test_wrong_tensors_are_named(tmp_path, layers, change, sentence):
    path = tmp_path / 'wrong.npz'
    write_layers(path, broken(layers, 'conv1_1', change))
    with pytest.raises(WeightsError) as error:
        read_layers(path, WANTED)
    assert sentence in str(error.value)
    assert "wrong.npz' are not those of VGG-19" in str(error.value)


def test_missing_layer_is_named(tmp_path, layers):
    path = tmp_path / 'short.npz'
    write_layers(path, layers)
    with pytest.raises(WeightsError, match='weight of conv2_1 is missing'):
        read_layers(path, ('conv1_1', 'conv2_1'))


@pytest.mark.parametrize(
    'suffix', ['.npz', '.params', '.h5', '.pth', '.bin', '.safetensors']
)
@pytest.mark.parametrize('content', [b'', b'hello', b'PK\x03\x04' + b'x' * 99])
def test_garbage_is_refused_in_a_sentence(tmp_path, suffix, content):
    path = tmp_path / f'garbage{suffix}'
    path.write_bytes(content)
    with pytest.raises(WeightsError) as error:
        read_layers(path, WANTED)
    assert f'garbage{suffix}' in str(error.value)
    assert 'cannot be read as' in str(error.value)


def test_a_bug_of_a_reader_is_not_taken_for_a_broken_file(
    tmp_path, monkeypatch
):
    def divide_by_zero(path, wanted):
        return 1 / 0

    monkeypatch.setitem(READERS, '.npz', divide_by_zero)
    with pytest.raises(ZeroDivisionError):
        read_layers(tmp_path / 'a.npz')


def test_cut_torch_files_are_refused(tmp_path, layers):
    for legacy in (False, True):
        path = tmp_path / 'whole.pth'
        torch_writer.save(path, by_feature(layers), legacy)
        whole = path.read_bytes()
        for keep in (10, len(whole) // 3, len(whole) - 9):
            path.write_bytes(whole[:keep])
            with pytest.raises(WeightsError, match='cannot be read as .pth'):
                read_layers(path, WANTED)


def test_a_tensor_beyond_its_storage_is_refused(tmp_path):
    path = tmp_path / 'short.pth'
    torch_writer.save(path, {'a': numpy.ones(5, 'float32')})
    with zipfile.ZipFile(path) as archive:
        pickled = archive.read('archive/data.pkl')
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', pickled)
        archive.writestr('archive/data/0', bytes(16))
    with pytest.raises(ValueError, match='reaches beyond its storage'):
        read_torch(path)


def test_unknown_suffixes_are_named(tmp_path, layers):
    with pytest.raises(
        WeightsError, match="end in '.zip': files of .bin, .ckpt, .h5"
    ):
        read_layers(tmp_path / 'a.zip')
    with pytest.raises(WeightsError, match="ends in '.pth': files of .npz"):
        write_layers(tmp_path / 'a.pth', layers)


def test_safetensors_says_what_to_install(tmp_path, layers, monkeypatch):
    for name in ('safetensors', 'safetensors.numpy'):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / 'a.safetensors'
    advice = re.escape("python -m pip install 'gluon_style[safetensors]'")
    with pytest.raises(MissingPackageError, match=advice):
        write_layers(path, layers)
    path.write_bytes(b'x')
    with pytest.raises(MissingPackageError, match=advice):
        read_layers(path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_archive_has_the_bytes_of_numpys(tmp_path):
    rng = numpy.random.RandomState(0)
    arrays = {
        'a': rng.rand(2, 3).astype('float32'),
        'b': numpy.frombuffer(b'{"lr": 1}', 'uint8'),
        'c/d': numpy.zeros((0, 2)),
    }
    write_npz(tmp_path / 'ours.npz', arrays)
    numpy.savez(tmp_path / 'numpys.npz', **arrays)
    ours, numpys = (tmp_path / f'{n}.npz' for n in ('ours', 'numpys'))
    assert ours.read_bytes() == numpys.read_bytes()


# On a disk that is full after so many bytes.
FULL = """
import resource, sys
import numpy
from gluon_style.weights.npz import write_npz
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_npz(sys.argv[1], {'a': numpy.zeros(10_000), 'b': numpy.ones(9)})
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize('size', [0, 100, 80_000, -1])
def test_an_archive_on_a_full_disk_is_one_error(tmp_path, size):
    path = tmp_path / 'whole.npz'
    write_npz(path, {'a': numpy.zeros(10_000), 'b': numpy.ones(9)})
    # The last byte, too.
    size %= path.stat().st_size
    words = [sys.executable, '-c', FULL, tmp_path / 'a.npz', size]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ('File too large\n', '')
