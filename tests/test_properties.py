"""Properties that hold for all pictures, arrays and lengths of their kind."""

import io

import numpy
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays_of
from PIL import Image

from gluon_style.layers import NETWORKS, num_poolings
from gluon_style.methods.gatys.tiles import spans
from gluon_style.pictures.read import read_picture
from gluon_style.weights.npz import read_npz

few = settings(max_examples=60, deadline=None, derandomize=True)
sides = st.integers(1, 40)
# A value of 0 to 255 in each mode that Pillow has, as that mode writes it.
COLORS = {
    '1': lambda v: 255 * (v > 127),
    'L': lambda v: v,
    'LA': lambda v: (v, 255),
    'La': lambda v: (v, 255),
    'P': lambda v: v,
    'PA': lambda v: (v, 255),
    'RGB': lambda v: (v, v, v),
    'RGBA': lambda v: (v, v, v, 255),
    'RGBX': lambda v: (v, v, v, 0),
    'RGBa': lambda v: (v, v, v, 255),
    'CMYK': lambda v: (0, 0, 0, 255 - v),
    'YCbCr': lambda v: (v, 128, 128),
    'HSV': lambda v: (0, 0, v),
    'I': lambda v: 257 * v,
    'I;16': lambda v: 257 * v,
    'I;16B': lambda v: 257 * v,
    'I;16L': lambda v: 257 * v,
    # Up to 1 it would be black to white.
    'F': lambda v: float(max(v, 2)),
}
FORMATS = {
    'PNG': ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'),
    'TIFF': ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'CMYK', 'YCbCr', 'F'),
    'GIF': ('1', 'L', 'P', 'RGB'),
    'BMP': ('1', 'L', 'P', 'RGB'),
    'JPEG': ('L', 'RGB', 'CMYK', 'YCbCr'),
    'WEBP': ('RGB', 'RGBA'),
}
IN_FILES = [(form, mode) for form, modes in FORMATS.items() for mode in modes]


def plain(mode, size, value):
    img = Image.new(mode, size, COLORS[mode](value))
    if mode in ('P', 'PA'):
        img.putpalette([grey for grey in range(256) for _ in range(3)])
    return img


def grey_of(mode, value):
    if mode == '1':
        return 255 * (value > 127)
    return max(value, 2) if mode == 'F' else value


def stored(img, form, **options):
    file = io.BytesIO()
    img.save(file, format=form, **options)
    return Image.open(file)


@few
@given(st.sampled_from(list(COLORS)), sides, sides, st.integers(0, 255))
def test_grey_of_any_mode_stays_that_grey(mode, width, height, value):
    img_read = read_picture(plain(mode, (width, height), value))
    assert img_read.shape == (height, width, 3) and img_read.dtype == 'uint8'
    error = img_read.astype(int) - grey_of(mode, value)
    assert abs(error).max() <= 1
    assert (img_read == img_read[..., :1]).all()


@few
@given(st.sampled_from(IN_FILES), sides, sides, st.integers(0, 255))
def test_grey_of_any_format_stays_that_grey(kind, width, height, value):
    form, mode = kind
    options = {'JPEG': {'quality': 95}, 'WEBP': {'lossless': True}}
    img = plain(mode, (width, height), value)
    img_read = read_picture(stored(img, form, **options.get(form, {})))
    assert img_read.shape == (height, width, 3) and img_read.dtype == 'uint8'
    error = img_read.astype(int) - grey_of(mode, value)
    assert abs(error).max() <= (2 if form == 'JPEG' else 1)


@few
@given(
    arrays_of.arrays('uint8', (1, 1, 3)),
    sides,
    sides,
    st.sampled_from(['RGB', 'RGBA', 'RGBX', 'HSV', 'CMYK', 'YCbCr', 'LAB']),
)
def test_a_picture_of_one_color_has_one_color(color, width, height, mode):
    pixels = numpy.broadcast_to(color, (height, width, 3))
    img = Image.fromarray(numpy.ascontiguousarray(pixels))
    if mode == 'LAB':
        img_read = read_picture(Image.new('LAB', img.size, tuple(color[0, 0])))
    else:
        img_read = read_picture(img.convert(mode))
        # HSV and YCbCr have 256 steps of other things. These are the largest
        # errors of all 2**24 colors.
        most = {'HSV': 7, 'YCbCr': 3}.get(mode, 0)
        assert abs(img_read.astype(int) - pixels).max() <= most
    assert (
        img_read.shape == pixels.shape and (img_read == img_read[:1, :1]).all()
    )


# How EXIF's orientation shows the rows and columns of a file.
UPRIGHT = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: numpy.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: numpy.rot90(p, 1),
}


@few
@given(
    st.tuples(sides, sides, st.just(3)).flatmap(
        lambda shape: arrays_of.arrays('uint8', shape)
    ),
    st.sampled_from(list(UPRIGHT)),
    st.sampled_from(['PNG', 'TIFF', 'WEBP']),
)
def test_pictures_are_upright(pixels, orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {'lossless': True} if form == 'WEBP' else {}
    img = stored(Image.fromarray(pixels), form, exif=exif, **options)
    assert (read_picture(img) == UPRIGHT[orientation](pixels)).all()
    # The caller's picture stays as it was; Pillow itself turns a TIFF.
    assert form == 'TIFF' or img.size == pixels.shape[1::-1]


numbers = st.one_of(
    arrays_of.boolean_dtypes(),
    arrays_of.integer_dtypes(endianness='?'),
    arrays_of.unsigned_integer_dtypes(endianness='?'),
    arrays_of.floating_dtypes(endianness='?'),
    arrays_of.complex_number_dtypes(endianness='?'),
)
arrays = arrays_of.arrays(
    numbers, arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0)
)


@few
@given(
    st.dictionaries(st.from_regex(r'[A-Za-z_.]{1,9}', fullmatch=True), arrays),
    st.booleans(),
    st.booleans(),
)
def test_read_npz_returns_what_was_saved(saved, packed, fortran):
    # Their numbers are numpy's own arguments of that name.
    saved = {f'x{name}': array for name, array in saved.items()}
    if fortran:
        saved = {name: a.copy(order='F') for name, a in saved.items()}
    file = io.BytesIO()
    (numpy.savez_compressed if packed else numpy.savez)(file, **saved)
    loaded = read_npz(file, lambda name, shape, dtype: True)
    assert list(loaded) == list(saved)
    for name, array in saved.items():
        assert loaded[name].shape == array.shape
        assert loaded[name].dtype == array.dtype
        assert loaded[name].tobytes() == array.tobytes()


@few
@given(
    st.sampled_from(list(NETWORKS.values())),
    st.integers(0, 30),
    st.integers(1, 3000),
    st.integers(1, 40),
)
def test_spans_cover_a_length_once(network, index, length, tiles):
    layer = network.layer_names[index]
    step, margin = 2 ** num_poolings(layer), network.halo(layer)
    length = max(length, step)
    cuts = spans(length, tiles * step, step, margin)
    owned = [i for span in cuts for i in range(span.first, span.last)]
    assert owned == list(range(length))
    assert len({span.high - span.low for span in cuts}) == 1
    for span in cuts:
        assert 0 <= span.low <= span.first < span.last <= span.high <= length
        assert span.first % step == span.low % step == 0
        assert span.low == 0 or span.first - span.low >= margin
        assert span.high == length or span.high - span.last >= margin
