"""The links of frames are found ahead of what is painted."""

import threading
from contextlib import closing

import pytest
from test_clip_elsewhere import as_frames, three_scenes

from gluon_style.video.consistency import link
from gluon_style.video.links import ahead, linked

SHAPE = 96, 64


def test_the_next_item_is_made_while_one_is_used():
    began = threading.Event()

    def items():
        yield 'first'
        began.set()
        yield 'second'

    with closing(ahead(items())) as found:
        assert next(found) == 'first'
        # Nobody has asked for the second one.
        assert began.wait(30)
        assert list(found) == ['second']


def test_no_item_is_read_that_is_not_the_next_one():
    read = []

    def items():
        for k in range(9):
            read.append(k)
            yield k

    with closing(ahead(items())) as found:
        assert [next(found), next(found)] == [0, 1]
    # When it is closed the thread has ended.
    assert read == [0, 1, 2]


def test_an_error_comes_after_what_was_made_before_it():
    def items():
        yield 1
        raise OSError('the file ends here')

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(OSError, match='the file ends here'):
        next(found)


def test_frames_are_linked_to_those_before_in_their_scene():
    frames = three_scenes()
    found = list(linked(as_frames(frames), SHAPE, []))
    assert [len(each.links) for each in found] == [
        *(0, 1, 2, 2, 3, 0, 1, 2, 2, 0, 1, 2)
    ]
    assert [k for k, each in enumerate(found) if each.is_cut] == [5, 9]
    assert [each.seconds for each in found] == [k / 10 for k in range(12)]
    for offset, known in zip((1, 2, 4), found[4].links):
        expected = link(frames[4], frames[4 - offset], offset == 1)
        assert (known.motion.back == expected.motion.back).all()
        assert (known.weight == expected.weight).all()


def test_links_go_on_from_the_frames_before():
    frames = three_scenes()
    whole = list(linked(as_frames(frames[:5]), SHAPE, []))
    rest = list(linked(as_frames(frames[3:5]), SHAPE, frames[:3]))
    for own, other in zip(rest, whole[3:]):
        assert len(own.links) == len(other.links)
        for link_own, link_other in zip(own.links, other.links):
            assert (link_own.weight == link_other.weight).all()


def test_frames_that_follow_none_have_no_links_and_no_cuts():
    found = list(linked(as_frames(three_scenes()), SHAPE, [], follows=False))
    assert len(found) == 12
    assert not any(each.links or each.is_cut for each in found)
