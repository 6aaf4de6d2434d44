import io
import subprocess
import sys
from xml.etree import ElementTree

import numpy
import pytest
from conftest import picture
from matplotlib import pyplot as plt
from PIL import Image

from gluon_style.chapter.plots import (
    Animator,
    browse,
    plot_result,
    set_figsize,
    show_images,
)
from gluon_style.files.ours import is_ours
from gluon_style.records.record import Epoch


def history(count=5):
    return [
        Epoch(i, (8, 6), 10 / i, 10 / i + 1, 10 / i + 2, 30 / i + 3)
        for i in range(1, count + 1)
    ]


def curves(animator):
    return [line.get_xydata().tolist() for line in animator.axes[0].lines]


def test_animator_has_the_points_added():
    animator = Animator(
        xlabel='epoch', xlim=[10, 30], legend=['a', 'b'], ncols=2
    )
    animator.add(10, [1, 2])
    animator.add(20, [3, 4])
    assert curves(animator) == [
        [[10, 1], [20, 3]],
        [[10, 2], [20, 4]],
    ]
    assert len(animator.axes) == 2
    assert animator.axes[0].get_xlabel() == 'epoch'
    assert animator.axes[0].get_xlim() == (10, 30)
    legend = animator.axes[0].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ['a', 'b']


def test_animator_takes_single_values_and_skips_none():
    animator = Animator()
    animator.add(1, 5)
    animator.add([2, 2], [None, 7])
    assert curves(animator) == [[[1, 5]], [[2, 7]]]


def test_animator_leaves_no_open_figure():
    before = plt.get_fignums()
    Animator().add(1, 1)
    assert plt.get_fignums() == before


@pytest.mark.parametrize('suffix', ['.svg', '.png', '.pdf'])
def test_plot_result_is_written(tmp_path, suffix):
    path = tmp_path / f'plot{suffix}'
    img = numpy.zeros((20, 30, 3), 'uint8')
    animator = plot_result(img, history())
    animator.save(path)
    assert is_ours(path)
    before = path.read_bytes()
    plot_result(img, history()).save(path)
    assert path.read_bytes() == before
    assert curves(animator)[0] == [[i, 10.0 / i] for i in range(1, 6)]
    assert list(tmp_path.iterdir()) == [path]
    if suffix == '.svg':
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith('svg')
    elif suffix == '.png':
        with Image.open(path) as plotted:
            assert plotted.width > plotted.height > 200
    else:
        assert path.read_bytes().startswith(b'%PDF')


def test_plot_result_of_one_epoch_and_of_large_losses(tmp_path):
    img = numpy.zeros((2, 2, 3), 'uint8')
    animator = plot_result(img, [Epoch(1, (8, 6), 300.0, 1.0, 2.0, 303.0)])
    ax = animator.axes[0]
    assert ax.get_yscale() == 'log'
    assert ax.get_ylim() == pytest.approx((1 / 1.2, 360))


def test_losses_alike_are_plotted_on_a_linear_axis():
    img = numpy.zeros((2, 2, 3), 'uint8')
    entries = [Epoch(i, (8, 6), 4.0 / i, 2.0, 1.0, 0.0) for i in (1, 2)]
    ax = plot_result(img, entries).axes[0]
    assert ax.get_yscale() == 'linear'
    assert ax.get_ylim() == pytest.approx((0, 4.2))


def test_curves_of_two_scales_do_not_touch():
    img = numpy.zeros((2, 2, 3), 'uint8')
    history = [
        Epoch(i, scale, content=i, style=2.0, tv=3.0, total=i + 5.0)
        for i, scale in ((1, (8, 6)), (2, (8, 6)), (3, (12, 9)))
    ]
    content = curves(plot_result(img, history))[0]
    assert content[:2] == [[1, 1], [2, 2]] and content[3:] == [[3, 3]]
    assert content[2][0] == 2.5 and numpy.isnan(content[2][1])


def test_unknown_format_is_named(tmp_path):
    path = tmp_path / 'plot.txt'
    with pytest.raises(ValueError, match=r'plot.txt.*\.svg, \.png or \.pdf'):
        Animator().save(path)
    assert not path.exists()


def test_show_images_in_a_grid():
    imgs = [numpy.full((3, 4, 3), v, 'uint8') for v in (0, 128, 255)]
    axes = show_images(imgs, 2, 2, titles=['a', 'b', 'c'])
    assert [ax.get_title() for ax in axes] == ['a', 'b', 'c', '']
    assert [len(ax.images) for ax in axes] == [1, 1, 1, 0]
    assert (axes[1].images[0].get_array() == 128).all()
    plt.close('all')


def test_set_figsize():
    set_figsize((5, 4))
    assert plt.rcParams['figure.figsize'] == [5, 4]


def test_a_terminal_without_display_needs_nothing(tmp_path):
    code = (
        'from gluon_style import Animator\n'
        'animator = Animator()\n'
        'animator.add(1, 2)\n'
        f'animator.save({str(tmp_path / "plot.png")!r})\n'
    )
    env = {'PATH': '/usr/bin:/bin', 'HOME': str(tmp_path)}
    subprocess.run([sys.executable, '-c', code], check=True, env=env)
    assert (tmp_path / 'plot.png').stat().st_size > 1000


def test_a_slider_shows_the_picture_and_title_it_stands_at():
    imgs = [picture(12, 8, seed=1), picture(12, 8, seed=2) / 255]
    slider, caption, shown = browse(imgs, ['first', 'second']).children
    assert (slider.min, slider.max, caption.value) == (0, 1, 'first')
    for i, title in ((1, 'second'), (0, 'first')):
        slider.value = i
        assert caption.value == title
        img = numpy.asarray(Image.open(io.BytesIO(shown.value)))
        assert (img == picture(12, 8, seed=i + 1)).all()
