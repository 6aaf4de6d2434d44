"""--json: what commands print for programs."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style.cli import main
from gluon_style.records.result import read_record

SMALL = ['--size', '48', '--epochs', '2', '--scales', '1']


def lines(capsys):
    """Return what was printed: each line is an object."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def photos(tmp_path):
    """A folder of two photographs, and a file that is none."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number, name in enumerate(('a', 'b')):
        Image.fromarray(picture(64, 48, number)).save(folder / f'{name}.png')
    (folder / 'c.png').write_text('no picture')
    return folder


def test_a_picture(pictures, weights_file, tmp_path, capsys):
    output = tmp_path / 'out.png'
    words = ['run', *pictures, '-o', str(output), *SMALL, '--json']
    assert main([*words, '--weights', weights_file]) == 0
    [about] = lines(capsys)
    record, history = read_record(tmp_path / 'out.json')
    assert about == {
        'file': str(output),
        'width': record.width,
        'height': record.height,
        'epochs': 2,
        'seconds': history[-1].seconds,
        'losses': record.losses.to_json(),
        'stopped': None,
        'error': None,
    }


def test_a_picture_of_one_pass_on_standard_output(pictures, capfdbinary):
    content, _ = pictures
    words = ['run', content, 'net:3', '--method', 'feedforward', '-o', '-']
    assert main([*words, '--json']) == 0
    out, err = capfdbinary.readouterr()
    img = Image.open(io.BytesIO(out))
    about = json.loads(err.splitlines()[-1])
    assert (about['file'], about['losses']) == ('-', None)
    assert (about['width'], about['height']) == img.size


def test_a_loss_that_is_not_finite(pictures, weights_file, tmp_path, capsys):
    words = ['run', *pictures, '-o', str(tmp_path / 'out.png'), '--json']
    words += ['--preset', 'chapter', '--size', '48', '--lr', '1e25']
    assert main([*words, '--epochs', '3', '--weights', weights_file]) == 3
    [about] = lines(capsys)
    assert 'the loss is not finite at epoch' in about['error']


def test_a_picture_that_cannot_be_written(photos, tmp_path):
    # A limit of a file's size fails the same writes as a full disk.
    words = ['run', str(photos), 'net:3', '--method', 'feedforward', '--json']
    code = (
        'import resource, sys; from gluon_style.cli import main;'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));'
        'sys.exit(main(sys.argv[1:]))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, *words, '-o', str(tmp_path / 'out')],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 2
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 3
    assert all(each['error'] for each in found)


def test_a_result_that_cannot_be_printed_is_an_error(pictures, tmp_path):
    content, _ = pictures
    words = ['run', content, 'net:3', '--method', 'feedforward', '--json']
    with open('/dev/full', 'w') as full:
        done = subprocess.run(
            [sys.executable, '-m', 'gluon_style', *words, '-o', 'out.png'],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
    assert done.returncode == 2
    assert 'No space left' in done.stderr
    assert (tmp_path / 'out.png').is_file()


@pytest.mark.parametrize('command', ['run', 'sweep', 'video'])
def test_standard_output_is_no_folder(command, photos, tmp_path, capsys):
    words = [command, str(photos), 'net:3', '--method', 'feedforward']
    if command == 'sweep':
        words[2:3] = ['--style', 'net:3']
    assert main([*words, '-o', '-']) == 2
    err = capsys.readouterr().err
    assert "output '-' is standard output, which takes one picture" in err
    assert not Path('-').exists()


def test_a_folder_of_one_pass(photos, tmp_path, capsys):
    folder = tmp_path / 'out'
    words = ['run', str(photos), 'net:3', '--method', 'feedforward']
    assert main([*words, '-o', str(folder), '--json']) == 2
    *made, broken = lines(capsys)
    assert [each['file'] for each in made] == [
        str(folder / name) for name in ('a.png', 'b.png')
    ]
    assert broken['file'] == str(folder / 'c.png')
    assert 'c.png' in broken['error']


def test_a_folder_of_runs(photos, pictures, weights_file, tmp_path, capsys):
    words = ['run', str(photos), pictures[1], '-o', str(tmp_path / 'out')]
    code = main([*words, *SMALL, '--weights', weights_file, '--json'])
    assert code == 2
    found = lines(capsys)
    states = {each['job'][0]: each['state'] for each in found}
    assert states == {'a': 'done', 'b': 'done', 'c': 'failed'}
    assert [each['done'] for each in found] == [1, 2, 3]


def test_a_texture(pictures, weights_file, tmp_path, capsys):
    words = ['texture', pictures[1], '-o', str(tmp_path / 'out.png')]
    assert main([*words, *SMALL, '--weights', weights_file, '--json']) == 0
    [about] = lines(capsys)
    assert (about['width'], about['height']) == (48, 48)


def test_a_clip(tmp_path, capsys):
    frames = tmp_path / 'frames'
    frames.mkdir()
    for number in range(3):
        img = numpy.full((48, 64, 3), 80 + number, 'uint8')
        Image.fromarray(img).save(frames / f'{number}.png')
    output = tmp_path / 'out'
    words = ['video', str(frames), 'net:3', '--method', 'feedforward']
    assert main([*words, '-o', str(output), '--json']) == 0
    *shown, about = lines(capsys)
    assert [(each['done'], each['frames']) for each in shown] == [
        (number, 3) for number in (1, 2, 3)
    ]
    assert (about['file'], about['frames']) == (str(output), 3)
    assert (about['width'], about['height'], about['cuts']) == (64, 48, [])
