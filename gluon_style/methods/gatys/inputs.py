"""The pictures of a run: read once, and prepared at any size."""

import functools
import logging
import math
from pathlib import Path

import numpy
from mxnet import np

from gluon_style.chapter.images import (
    display_bounds,
    postprocess,
    preprocess,
    read_image,
)
from gluon_style.layers import RGB_MEAN, RGB_STD, least_side
from gluon_style.methods.gatys.kinds import ONE_PASS, noise_part
from gluon_style.methods.gatys.roles import (
    RECOLORINGS,
    picture_ids,
    require_pictures,
)
from gluon_style.methods.one_pass import paint_in_one_pass
from gluon_style.pictures.color import keep_color, transfer_map
from gluon_style.pictures.masks import feathered, read_mask, warn_of_mask
from gluon_style.pictures.read import (
    as_bytes,
    laid_on,
    read_transparent,
    warn_of_one_value,
)
from gluon_style.pictures.resize import resized

# How much a picture's proportions may change, as a part, without a word.
_MOST_STRETCH = 0.05
# A style picture that is enlarged more than this shows it.
MOST_ENLARGED = 2.0

logger = logging.getLogger(__name__)


class Inputs:
    """The content picture, the styles, the mask, and the start of a run.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3).
    ``styles`` may be a list of them. ``content`` or ``styles`` may be None,
    and an empty list means None. A mask may also be an array (height, width)
    of uint8, bool, or floats of 0 to 1; its transparent parts are black.

    ``pictures`` has the ``PictureId`` of each picture by its role, ``files``
    the paths of those that are files. The methods return preprocessed pixels,
    (1, 3, height, width), on ``device``, for a synthesized image of
    ``image_shape``, (width, height).

    Raises as ``read_image`` does, and GluonStyleError if the number of styles
    does not suit the mask or the ``style_blend`` of ``settings``, or if its
    ``color`` or ``init`` needs a picture that is not given.
    """

    def __init__(
        self, content, styles, settings, device, mask=None, follow=None
    ):
        if styles is not None and not isinstance(styles, (list, tuple)):
            styles = [styles]
        styles = styles or None
        require_pictures(content, styles, settings, mask)
        self.device, self.follow = device, follow
        self._settings = settings
        self.content_img = self._alpha = None
        if content is not None:
            self.content_img = self._content(content)
            warn_of_one_value(self.content_img.asnumpy(), 'content picture')
        self._style_imgs = [self._colored(img) for img in styles or []]
        self._resized = {}
        self._init_img = None
        if settings.init_file is not None:
            self._init_img = read_image(settings.init_file)
        self._mask = None
        if mask is not None:
            mask = self._read_mask(mask)
        sources = [content, *(styles or []), mask, settings.init_file]
        self.files = tuple(
            Path(source)
            for source in sources
            if isinstance(source, (str, Path))
        )
        # This comes last, so that reading has refused a broken picture.
        self.pictures = picture_ids(content, styles, settings, mask)

    def _content(self, content):
        """Return the content picture on white; keep its alpha or say so."""
        picture, alpha = read_transparent(content)
        if self._settings.alpha == 'keep':
            self._alpha = alpha
        elif alpha is not None:
            logger.info(
                'the transparent parts of the content picture are laid on '
                'white: alpha=keep (--alpha keep) keeps them'
            )
        return np.array(laid_on(picture, alpha, 'white'), dtype='uint8')

    def alpha(self, image_shape):
        """Return the content's alpha, or None where none is kept.

        It is an array (height, width) of uint8 for a (width, height).
        """
        if self._alpha is None:
            return None
        return as_bytes(resized(self._alpha / 255, image_shape))

    def _colored(self, style):
        """Return a style picture, with the content's colors if wanted."""
        style_img = read_image(style)
        warn_of_one_value(style_img.asnumpy(), 'style picture')
        color = self._settings.color
        if color not in RECOLORINGS:
            return style_img
        recolored = RECOLORINGS[color](
            style_img.asnumpy(), self.content_img.asnumpy()
        )
        return np.array(recolored, dtype='uint8')

    @functools.cached_property
    def _color_maps(self):
        """The map of the content's colors to each region's style."""
        settings = self._settings
        contents, styles = self.content_img is not None, self._style_imgs
        if settings.color != 'transfer' or not contents or not styles:
            return []
        image_shape = self.image_shape()
        content_img = self._sample(self.content_img, image_shape)
        style_imgs = [
            self._sample(img, self._style_shape(img, image_shape))
            for img in styles
        ]
        regions = [(style_imgs, settings.style_blend or [1] * len(styles))]
        if self._mask is not None:
            regions = [([img], [1]) for img in style_imgs]
        return [
            transfer_map(content_img, imgs, parts, settings.color_amount)
            for imgs, parts in regions
        ]

    def warn_of_small_styles(self):
        """Warn of style pictures that must be enlarged a lot."""
        image_shape = self.image_shape()
        for img in self._style_imgs:
            height, width = img.shape[:2]
            shape = self._style_shape(img, image_shape)
            factor = max(shape) / max(width, height)
            if factor > MOST_ENLARGED:
                logger.warning(
                    'a style picture of %dx%d pixels is enlarged %.1f times: '
                    'the result will have soft, blurred strokes in place of '
                    'fine ones; give a larger picture, or a style_scale of '
                    '%.2g for smaller strokes',
                    *(width, height, factor),
                    (self._settings.style_scale or 1) / factor,
                )

    def say_of_shapes(self):
        """Log which pictures are stretched to the result's proportions."""
        image_shape = self.image_shape()
        stretched = {'init': self._init_img}
        if self._settings.style_scale is None:
            styles = enumerate(self._style_imgs, start=1)
            stretched.update((f'style {i}', img) for i, img in styles)
        for role, img in stretched.items():
            if img is None:
                continue
            height, width = img.shape[:2]
            stretch = width * image_shape[1] / (height * image_shape[0])
            if abs(math.log(stretch)) > math.log(1 + _MOST_STRETCH):
                logger.info(
                    'the %s picture of %dx%d pixels is stretched to the '
                    'proportions of %dx%d%s',
                    role.replace('style 1', 'style'),
                    *(width, height, *image_shape),
                    ''
                    if role == 'init'
                    else ': style_scale=1 (--style-scale 1) keeps its own',
                )

    def _sample(self, img, image_shape):
        """Return a picture as the run takes it, of a megapixel at most."""
        width, height = image_shape
        part = min(1, math.sqrt(1e6 / (width * height)))
        image_shape = max(1, round(part * width)), max(1, round(part * height))
        return postprocess(self._preprocessed(img, image_shape)).asnumpy()

    def _read_mask(self, mask):
        """Read the mask; return its path, or the picture that it is."""
        mask_img = read_mask(mask)
        self._mask = mask_img.mean(axis=2) / 255
        shapes = [self.image_shape()]
        if self.content_img is not None:
            # A mask that was drawn for the content is stretched as that is.
            shapes.append(self.content_img.shape[1::-1])
        warn_of_mask(self._mask, shapes)
        return mask if isinstance(mask, (str, Path)) else mask_img

    def image_shape(self):
        """Return (width, height) of the result."""
        if self.content_img is None:
            return self._settings.image_shape(1, 1)
        height, width = self.content_img.shape[:2]
        return self._settings.image_shape(width, height)

    def original_shape(self):
        """Return the content's (width, height) if that is wanted, or None."""
        if not self._settings.original_size:
            return None
        return self.content_img.shape[1::-1]

    def content(self, image_shape):
        """Return the content picture, or None."""
        if self.content_img is None:
            return None
        X = self._preprocessed(self.content_img, image_shape)
        return self._in_style_colors(X) if self._color_maps else X

    def _in_style_colors(self, X):
        """Return preprocessed pixels with their colors moved to the styles'.

        With a mask, each style's colors go where the style goes.
        """
        moved = [recolored(X, *color_map) for color_map in self._color_maps]
        mask = self.mask(X.shape[:1:-1])
        if mask is None:
            return moved[0]
        mask = np.array(mask, dtype='float32', ctx=X.ctx)
        # Without a second style the content keeps its colors there.
        first, second = [*moved, X][:2]
        return mask * first + (1 - mask) * second

    def styles(self, image_shape):
        """Return a list of the style pictures, or None."""
        return [
            self._preprocessed(img, self._style_shape(img, image_shape))
            for img in self._style_imgs
        ] or None

    def _style_shape(self, img, image_shape):
        """Return a style picture's (width, height), squashed or scaled."""
        if self._settings.style_scale is None:
            return image_shape
        height, width = img.shape[:2]
        longest = self._settings.style_scale * max(image_shape)
        least = least_side(self._settings.style_factors)
        return tuple(
            max(least, round(side * longest / max(width, height)))
            for side in (width, height)
        )

    def mask(self, image_shape):
        """Return the mask, an array (height, width) of 0 to 1, or None."""
        if self._mask is None:
            return None
        return feathered(
            self._mask,
            image_shape,
            self._settings.feather,
            self._settings.antialias,
        )

    def start(self, image_shape):
        """Return the pixels that the optimization starts from."""
        if self.follow is None and self._settings.init == ONE_PASS:
            return self._preprocessed(self._painted_in_one_pass, image_shape)
        part = noise_part(self._settings.init)
        if part == 0 or self.follow is not None:
            return self.start_picture(image_shape)
        # With NumPy's generator a seed gives the same noise on every device.
        noise = numpy.random.RandomState(self._settings.seed)
        noise = noise.normal(size=(1, 3, *image_shape[::-1]))
        noise = np.array(noise, dtype='float32', ctx=self.device)
        if part == 1:
            return noise
        return part * noise + (1 - part) * self.start_picture(image_shape)

    @functools.cached_property
    def _painted_in_one_pass(self):
        """What the method of one pass paints, at the result's size.

        It has the styles, their blend, the mask and the colors of this run.
        """
        image_shape, blend = self.image_shape(), self._settings.style_blend
        content = postprocess(self.content(image_shape)).asnumpy()
        imgs = [img.asnumpy() for img in self._style_imgs]

        def painted(imgs, blend=None):
            picture = paint_in_one_pass(
                as_bytes(content), imgs, blend, self._settings.device
            )
            return picture.astype('float32')

        mask = self.mask(image_shape)
        if mask is None:
            whole = painted(imgs, blend)
        else:
            # Without a second style the content stays there.
            first, second = [*(painted([img]) for img in imgs), content][:2]
            whole = mask[..., None] * first + (1 - mask[..., None]) * second
        return np.array(as_bytes(whole), dtype='uint8')

    def start_picture(self, image_shape):
        """Return the picture whose detail a finer scale begins with.

        It is the start without its noise, and 0 where that is noise alone.
        One pass leaves the content's detail, so there it is the content.
        """
        if self.follow is not None:
            return self.follow.start(image_shape, self.device)
        init = self._settings.init
        if init == 'style':
            return self._preprocessed(self._style_imgs[0], image_shape)
        if self._init_img is not None:
            return self._preprocessed(self._init_img, image_shape)
        if noise_part(init) == 1:
            return np.zeros((1, 3, *image_shape[::-1]), ctx=self.device)
        return self.content(image_shape)

    def finished(self, X):
        """Return pixels as a picture, (height, width, 3) of 0 to 1.

        It has the content's colors if ``color`` is 'luminance'.
        """
        image = postprocess(X).asnumpy()
        if self._settings.color != 'luminance':
            return image
        return keep_color(image, self.content_img.asnumpy())

    def _preprocessed(self, img, image_shape):
        if self._settings.antialias:
            # A scale takes the same picture several times, and shrinking one
            # of 12 megapixels takes 0.2 seconds.
            key = id(img), tuple(image_shape)
            if key not in self._resized:
                self._resized[key] = np.array(
                    resized(img, image_shape), dtype='uint8'
                )
            img = self._resized[key]
        # A picture of this size already is not resized again.
        return preprocess(img, image_shape).copyto(self.device)


def recolored(X, matrix, offset):
    """Return preprocessed pixels with their colors mapped, and clipped.

    ``X`` is (1, 3, height, width). ``matrix``, (3, 3), and ``offset``, (3,),
    are for colors from 0 to 1. What cannot be displayed is clipped.
    """
    mean, std = (numpy.array(values) for values in (RGB_MEAN, RGB_STD))
    offset = (matrix @ mean + offset - mean) / std
    matrix = matrix * std / std[:, None]
    matrix, offset = (
        np.array(values, dtype='float32', ctx=X.ctx)
        for values in (matrix, offset[:, None])
    )
    moved = (np.dot(matrix, X.reshape(3, -1)) + offset).reshape(X.shape)
    black, white = display_bounds(X.ctx)
    return np.minimum(np.maximum(moved, black), white)
