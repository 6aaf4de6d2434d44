"""The pictures of a run by their roles, and whether they suit its settings."""

from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.kinds import (
    ONE_PASS,
    noise_part,
    require_init,
)
from gluon_style.methods.kinds import Blend
from gluon_style.pictures.color import match_color, match_histogram
from gluon_style.records.record import PictureId

_ABSENT = PictureId(None, None)
# The values of ``color`` that give a style picture the content's colors.
RECOLORINGS = {'match': match_color, 'histogram': match_histogram}


def require_pictures(content, styles, settings, mask):
    """Raise GluonStyleError where the settings need another picture.

    ``styles`` is a list, or None; ``content`` and ``mask`` may be None.
    """
    _require_count(styles, settings, mask)
    _require_init_picture(content, styles, settings)
    _require_color_pictures(content, styles, settings)
    if content is None and styles is None:
        raise GluonStyleError(
            'no picture is given: give a content picture, a style or both'
        )
    if settings.original_size and content is None:
        raise GluonStyleError(
            'original_size is True and there is no content picture to '
            'take the size from: leave it out'
        )


def _require_count(styles, settings, mask):
    """Raise GluonStyleError for a number of styles that does not suit."""
    count, blend = len(styles or []), settings.style_blend
    if blend is not None and len(blend) != count:
        raise GluonStyleError(
            f'style_blend is {Blend().words(blend)} and the number of styles '
            f'is {count}: give a number for each style'
        )
    if mask is None:
        return
    if blend is not None:
        raise GluonStyleError(
            'style_blend mixes the styles and a mask separates them: leave '
            'out one of the two'
        )
    if count not in (1, 2):
        raise GluonStyleError(
            f'the number of styles is {count}: with a mask it must be 1 or 2'
        )


def _require_init_picture(content, styles, settings):
    """Raise GluonStyleError if the start's picture is not given."""
    init = settings.init
    require_init(init)
    if settings.init_file is not None:
        return
    if (init in ('style', ONE_PASS) and not styles) or (
        init != 'style' and noise_part(init) < 1 and content is None
    ):
        raise GluonStyleError(
            f'init is {init!r} and that picture is not given: choose noise '
            'or the file of a picture'
        )


def _require_color_pictures(content, styles, settings):
    """Raise GluonStyleError if ``color`` needs a picture that is absent."""
    color = settings.color
    if color in ('style', 'transfer'):
        # Where one of the pictures is absent, a transfer has nothing to do.
        return
    if content is None:
        raise GluonStyleError(
            f'color is {color!r} and there is no content picture to take '
            'colors from: choose style'
        )
    if color in RECOLORINGS and not styles:
        raise GluonStyleError(
            f'color is {color!r} and there is no style picture to give the '
            "content's colors to: choose style or luminance"
        )


def picture_ids(content, styles, settings, mask):
    """Return the ``PictureId`` of each picture by its role.

    ``mask`` is a path, the picture that was read, or None.
    """
    first, *others = styles or [None]
    sources = {'content': content, 'style': first}
    sources.update(
        (f'style {i}', img) for i, img in enumerate(others, start=2)
    )
    if mask is not None:
        sources['mask'] = mask
    if settings.init_file is not None:
        sources['init'] = settings.init_file
    return {
        role: _ABSENT if source is None else PictureId.of(source)
        for role, source in sources.items()
    }
