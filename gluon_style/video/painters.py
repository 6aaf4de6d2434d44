"""How each method paints a frame, alone or after another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy

from gluon_style.methods.feedforward.settings import OF_PICTURES
from gluon_style.methods.feedforward.styles import is_style
from gluon_style.methods.observers import Patience, Plan
from gluon_style.methods.table import DEFAULT_METHOD, Method
from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.video.consistency import Moved, blended, sharpened

# How much of the frame's own noise is kept out before a net paints it, as a
# part of the consistency.
INPUT_SHARE = 0.7
# Evaluations of an optimized frame that follows another one, and the weight of
# its temporal loss at a consistency of 0.5.
FOLLOWING_EPOCHS, TEMPORAL_WEIGHT = 14, 3.0


@dataclass(frozen=True)
class Painting:
    """How all frames of a clip are painted, at ``shape``, (width, height)."""

    method: Method
    style: Any
    settings: Any
    shape: tuple[int, int]
    consistency: float

    @property
    def follows(self) -> bool:
        """Whether a frame is made like those before."""
        return self.consistency > 0

    @property
    def kind(self) -> type[OnePass | Following]:
        """The class of what paints the frames."""
        return Following if self.method.has_epochs else OnePass

    def painter(self, net: Any = None) -> Any:
        """Return what paints the frames: see ``OnePass``.

        ``net`` is the network of the losses, if it is there already.
        """
        about = self.method, self.style, self.settings, self.consistency
        if self.method.has_epochs:
            return Following(*about, net)
        return OnePass(*about)


class OnePass:
    """Paint frames by a net of one pass.

    The picture of the frame before, moved, is blended into each, and so is
    the frame that it was painted from: noise that comes and goes would be
    painted otherwise each time.
    """

    # A precise flow would take longer than the net.
    is_precise = False
    # A process that paints a stretch of a clip gets so many frames at once.
    together = 25

    def __init__(
        self, method: Method, style: Any, settings: Any, consistency: float
    ) -> None:
        self._method, self._settings = method, settings
        self._style = _prepared(method, style, settings)
        self._share = consistency

    def first(self, frame: Array) -> dict[str, Array]:
        """Return what the next frame needs of one that follows none.

        ``frame`` is (height, width, 3) of uint8. 'picture' is the result,
        floats from 0 to 1.
        """
        return self._painted(frame / numpy.float32(255))

    def next(self, frame: Array, moved: Moved) -> dict[str, Array]:
        """Return the same of a frame that follows others."""
        weight = self._share * moved.weight
        seen = blended(
            frame / numpy.float32(255),
            moved.pictures['seen'],
            INPUT_SHARE * weight,
        )
        made = self._painted(seen)
        fresh = made['picture']
        picture = blended(fresh, moved.pictures['picture'], weight)
        return {**made, 'picture': sharpened(picture, fresh)}

    def _painted(self, seen):
        result = self._method.stylize(
            as_bytes(seen), self._style, self._settings, observers=()
        )
        return {'seen': seen, 'picture': result.pixels}


class _NoForecast(Patience):
    """Of many frames, none is measured beforehand."""

    def begin(self, plan: Plan) -> None:
        """Do nothing."""


class Following:
    """Make frames of the one before, moved, by a method with losses.

    It is the start, and a temporal loss keeps pixels there where that is sure:
    see ``Follow``.
    """

    is_precise = True
    # Each takes seconds, or a minute.
    together = 5

    def __init__(
        self,
        method: Method,
        style: Any,
        settings: Any,
        consistency: float,
        net: Any = None,
    ) -> None:
        self._method, self._style = method, style
        self._settings = settings
        odds = consistency / max(1 - consistency, 1e-3)
        self._weight = TEMPORAL_WEIGHT * odds
        self._net = net

    def first(self, frame: Array) -> dict[str, Array]:
        """Return the picture of a frame that follows none."""
        return self._painted(frame, self._settings)

    def next(self, frame: Array, moved: Moved) -> dict[str, Array]:
        """Return the picture of a frame that follows others."""
        from gluon_style.methods.gatys.follow import Follow

        # What the frames before did not show begins as the content.
        start = blended(
            frame / numpy.float32(255), moved.pictures['picture'], moved.weight
        )
        follow = Follow(start, moved.weight, self._weight)
        settings = self._settings
        if self._method.name == DEFAULT_METHOD:
            epochs = min(settings.epochs, FOLLOWING_EPOCHS)
            changes = {'scales': 1, 'epochs': epochs}
            settings = settings.changed(changes)
        return self._painted(frame, settings, follow=follow)

    def _painted(self, frame, settings, **options):
        if self._net is None:
            losses = settings
            if self._method.name != DEFAULT_METHOD:
                losses = settings.guide()
            self._net = _net_for(losses)
        result = self._method.stylize(
            frame,
            self._style,
            settings,
            net=self._net,
            observers=[_NoForecast()],
            **options,
        )
        return {'picture': result.pixels}


def _net_for(settings):
    """Return the network of the losses, to serve all frames."""
    from gluon_style.chapter.devices import get_device
    from gluon_style.chapter.vgg import build_net

    return build_net(
        list(settings.content_factors),
        list(settings.style_factors),
        network=settings.network,
        weights=settings.weights,
        device=get_device(settings.device),
        pooling=settings.pooling,
    )


def _prepared(method, style, settings):
    """Return a style in the form that takes least time for each frame.

    A painting's own colors are needed where they are given to the frames.
    """
    if method.name != 'feedforward' or settings.color in OF_PICTURES:
        return style
    from gluon_style.methods.feedforward.paint import predicted

    sources = style if isinstance(style, (list, tuple)) else [style]
    return [
        each
        if is_style(each)
        else predicted(read_picture(each), settings.device)
        for each in sources
    ]
