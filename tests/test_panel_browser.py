"""The panel in a notebook, in a browser without a window."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import stylize
from gluon_style.records.record import Record

CONTENT, STYLE = picture(40, 30, seed=1), picture(36, 36, seed=2)
# The kernel starts, and MXNet with it, on a machine that may be busy.
PATIENCE = 240
CELL = """\
import gluon_style

panel = gluon_style.panel('photo.png', 'painting.png')
panel.method.value = 'feedforward'
panel
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with two pictures and a notebook of one cell."""
    folder = tmp_path_factory.mktemp('panel')
    Image.fromarray(CONTENT).save(folder / 'photo.png')
    Image.fromarray(STYLE).save(folder / 'painting.png')
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(CELL)],
        metadata={
            'kernelspec': {'name': 'python3', 'display_name': 'Python 3'}
        },
    )
    nbformat.write(notebook, folder / 'panel.ipynb')
    return folder


@pytest.fixture(scope='module')
def address(folder, browser):
    """The address of a server of notebooks, which ends with the tests."""
    pytest.importorskip('notebook', reason='needs notebook')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = dict(
        os.environ,
        JUPYTER_CONFIG_DIR=str(folder),
        JUPYTER_TOKEN=token,
        # The kernel imports the package that is tested.
        PYTHONPATH=str(Path(__file__).resolve().parents[1]),
    )
    with open(folder / 'server.log', 'w') as log:
        server = subprocess.Popen(
            [
                *(sys.executable, '-m', 'notebook', '--no-browser'),
                *('--allow-root', '--expose-app-in-browser'),
                *('--ip=127.0.0.1', f'--port={port}'),
            ],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: answers(f'http://127.0.0.1:{port}/api?token={token}'))
        yield f'http://127.0.0.1:{port}/notebooks/panel.ipynb?token={token}'
    finally:
        server.terminate()
        server.wait(30)


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def until(condition):
    """Wait until a condition holds, and return what it returned."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, 'it took too long'
        time.sleep(0.2)


@pytest.fixture(scope='module')
def shown(browser, address, folder):
    """The browser, with the panel below the notebook's cell."""
    browser.execute_cdp_cmd(
        'Browser.setDownloadBehavior',
        {'behavior': 'allow', 'downloadPath': str(folder / 'downloads')},
    )
    browser.get(address)
    until(
        lambda: browser.execute_script(
            'return window.jupyterapp?.shell?.currentWidget?.sessionContext'
            '?.session?.kernel?.status === "idle"'
        )
    )
    browser.execute_script(
        'window.jupyterapp.commands.execute("notebook:run-all-cells")'
    )
    until(lambda: 'one pass' in text(browser))
    return browser


def text(browser):
    return browser.execute_script(
        'return [...document.querySelectorAll(".jp-OutputArea .widget-label")]'
        '.map(label => label.textContent).join(" ")'
    )


def large(browser):
    """Return the address of the large picture, which each new one changes."""
    return browser.execute_script(
        'return [...document.querySelectorAll(".jp-OutputArea img")]'
        '.pop()?.src'
    )


def pixels(browser):
    """Return the large picture as the browser shows it."""
    values = browser.execute_script(
        'const img = [...document.querySelectorAll(".jp-OutputArea img")]'
        '.pop(); const canvas = document.createElement("canvas");'
        'canvas.width = img.naturalWidth; canvas.height = img.naturalHeight;'
        'const context = canvas.getContext("2d");'
        'context.drawImage(img, 0, 0);'
        'return [canvas.width, canvas.height, [...context.getImageData('
        '0, 0, canvas.width, canvas.height).data]]'
    )
    width, height, values = values
    return numpy.array(values, float).reshape(height, width, 4)[..., :3]


def test_the_slider_paints_at_once_and_the_button_for_a_download(
    shown, folder
):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    before = large(shown)
    assert difference(shown, strength=1) < 6
    track = shown.find_element(By.CSS_SELECTOR, '.jp-OutputArea .noUi-target')
    # The middle of it, where its strength is a half.
    ActionChains(shown).move_to_element(track).click().perform()
    until(lambda: large(shown) != before)
    until(lambda: difference(shown, strength=0.5) < 6)
    [button] = [
        each
        for each in shown.find_elements(By.TAG_NAME, 'button')
        if each.text == 'Paint it properly'
    ]
    button.click()
    selector = 'a[download="painted.{}"]'
    for suffix in ('png', 'json'):
        find = selector.format(suffix)
        [link] = until(
            lambda find=find: shown.find_elements(By.CSS_SELECTOR, find)
        )
        link.click()
    downloads = Path(folder, 'downloads')
    until(lambda: len([*downloads.glob('painted.[pj]*[gn]')]) == 2)
    with Image.open(downloads / 'painted.png') as img:
        found = numpy.asarray(img)
    # The panel offers 450 pixels, the photograph's proportions kept.
    assert found.shape == (338, 450, 3)
    text = (downloads / 'painted.json').read_text()
    record = Record.from_json(json.loads(text), 'the record')
    assert record.settings['strength'] == 0.5
    assert record.pictures['content'].file == 'photo.png'


def difference(browser, strength):
    expected = stylize(CONTENT, STYLE, method='feedforward', strength=strength)
    return numpy.abs(pixels(browser) - expected.image).mean()
