"""What every recipe of a figure works with: runs, measures, checks."""

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from gluon_style import samples
from gluon_style.chapter.plots import write_figure
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import require_ours
from gluon_style.layers import STYLE_LAYERS
from gluon_style.many.jobs import Job, run
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.result import picture_record

# The deepest layer that a recipe looks at.
_DEEPEST = 'conv5_2'
# One scale of L-BFGS, for recipes whose every run starts from noise or has
# its own balance of the losses, which coarser scales would shift.
SINGLE = Settings(optimizer='lbfgs', bounded=True)


@dataclass(frozen=True)
class Check:
    """A comparison of a figure with what it is to show.

    ``good`` is None where there is nothing to compare with.
    """

    text: str
    good: bool

    def __post_init__(self):
        if self.good is not None:
            # NumPy's own would not go into JSON.
            object.__setattr__(self, 'good', bool(self.good))


@dataclass(frozen=True)
class Options:
    """What the user chooses of a figure; None is the recipe's own choice."""

    content: object = None
    style: object = None
    size: int = None
    quick: bool = False
    reference: str = None
    weights: str = 'auto'
    device: str = 'auto'
    force: bool = False


def numbers(values):
    """Return values as words."""
    return ', '.join(f'{value:.3f}' for value in values)


def falling(values):
    """Return whether each value is less than the one before."""
    return all(a > b for a, b in zip(values, values[1:]))


class Studio:
    """Runs and measures for one figure, its files in ``folder``/``name``."""

    def __init__(self, name, folder, options, watch=None):
        self.name = name
        self.folder = Path(folder)
        self.options = options
        self.path = self.folder / f'{name}.png'
        self.checks_path = self.folder / f'{name}.checks.json'
        for path in (self.path, self.checks_path):
            require_ours(path, options.force)
        self.results = {}
        self._watch = watch
        content, style = options.content, options.style
        self.content = samples.photograph() if content is None else content
        self.style = samples.PAINTING if style is None else style

    def pick(self, full, quick):
        """Return ``quick`` where the user wants a quick figure."""
        return quick if self.options.quick else full

    def size(self, full, quick):
        """Return the longest side of the pictures, the user's or the own."""
        return self.options.size or self.pick(full, quick)

    def run(self, name, settings, *, size, epochs, **changes):
        """Return the result of a run, made unless it was made before.

        ``size`` and ``epochs`` are a pair each: in full, and quick.
        """
        settings = settings.changed(
            {
                'size': self.size(*size),
                'epochs': self.pick(*epochs),
                'weights': self.options.weights,
                'device': self.options.device,
                **changes,
            }
        )
        job = Job(name, self.content, self.style, settings)
        result = run(
            job,
            self.folder / self.name,
            self._watch,
            lambda *layers, **options: self.eye.net,
            self.options.force,
        )
        self.results[name] = result
        return result

    @cached_property
    def eye(self):
        """The network that pictures are compared with."""
        from gluon_style.chapter.devices import get_device

        return Eye(
            self.options.weights,
            get_device(self.options.device),
            self.content,
            self.style,
        )

    def save(self, figure, checks):
        """Write the figure and its numbers; returns the figure's path."""
        options = dict(vars(self.options))
        options.pop('force')
        for kind in ('content', 'style'):
            options[kind] = picture_record(getattr(self, kind))
        runs = {name: result.record for name, result in self.results.items()}
        record = {
            'figure': self.name,
            'options': options,
            'checks': [asdict(check) for check in checks],
            'runs': runs,
        }
        text = json.dumps(record, indent=1) + '\n'
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            picture = stack.enter_context(replacing(self.path))
            beside = stack.enter_context(replacing(self.checks_path))
            write_figure(figure, picture, dpi=150, bbox_inches='tight')
            beside.write_text(text)
        return self.path


class Eye:
    """Distances between pictures: as the network sees them, and SSIM.

    All pictures are uint8 arrays (height, width, 3), compared with the
    content or the style picture, resized to the same shape.
    """

    def __init__(self, weights, device, content, style):
        from gluon_style.chapter.images import read_image
        from gluon_style.chapter.vgg import build_net

        self._targets = {
            'content': read_image(content),
            'style': read_image(style),
        }
        self._device = device
        self.net = build_net(
            [_DEEPEST], [_DEEPEST], weights=weights, device=device
        )

    def feature_distance(self, layer, size):
        """Return the content loss of the style picture at a layer.

        ``size`` is the longest side of the content picture, in whose shape
        both are seen.
        """
        content = self._targets['content']
        height, width = content.shape[:2]
        shape = Settings(size=size).image_shape(width, height)
        Y, Y_hat = (
            self.features(img, [layer], shape)[0]
            for img in self._targets.values()
        )
        return float(((Y_hat - Y) ** 2).mean())

    def features(self, img, layers, shape=None):
        """Return the features of a picture at ``layers``, in net's order."""
        from gluon_style.chapter.images import preprocess, read_image
        from gluon_style.chapter.vgg import extract_features

        shape = shape or (img.shape[1], img.shape[0])
        X = preprocess(read_image(img), shape).copyto(self._device)
        return extract_features(self.net, X, layers, [])[0]

    def target(self, kind, img):
        """Return the content or the style picture in the shape of ``img``."""
        from gluon_style.chapter.images import postprocess, preprocess
        from gluon_style.pictures.read import as_bytes

        shape = img.shape[1], img.shape[0]
        return as_bytes(postprocess(preprocess(self._targets[kind], shape)))

    def content_distance(self, img, layer, kind='content'):
        """Return the squared distance of features, relative to the target's.

        0 is the same, 1 as far as a network that sees nothing.
        """
        (Y_hat,) = self.features(img, [layer])
        (Y,) = self.features(self.target(kind, img), [layer])
        return float(((Y_hat - Y) ** 2).sum() / (Y**2).sum())

    def grams(self, img, layers=STYLE_LAYERS):
        """Return the Gram matrix of a picture at each layer."""
        from gluon_style.chapter.losses import gram

        return [gram(Y) for Y in self.features(img, layers)]

    def style_distance(self, img, layers=STYLE_LAYERS, kind='style'):
        """Return the squared distance of Gram matrices, the layers' mean.

        Each layer's is relative to the target's own, so that all count.
        """
        target = self.grams(self.target(kind, img), layers)
        pairs = zip(self.grams(img, layers), target)
        distances = [
            float(((G - A) ** 2).sum() / (A**2).sum()) for G, A in pairs
        ]
        return sum(distances) / len(distances)

    def ssim(self, img, kind='content'):
        """Return how like the target a picture is in structure, up to 1.

        Wang et al. 2004, of the two pictures' grey values.
        """
        from skimage.color import rgb2gray
        from skimage.metrics import structural_similarity

        return structural_similarity(
            rgb2gray(img), rgb2gray(self.target(kind, img)), data_range=1
        )
