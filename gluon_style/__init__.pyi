from .chapter.devices import try_all_gpus as try_all_gpus, try_gpu as try_gpu
from .chapter.images import (
    RGB_MEAN as RGB_MEAN,
    RGB_STD as RGB_STD,
    postprocess as postprocess,
    preprocess as preprocess,
    read_image as read_image,
)
from .chapter.losses import (
    compute_loss as compute_loss,
    content_loss as content_loss,
    gram as gram,
    style_loss as style_loss,
    tv_loss as tv_loss,
)
from .chapter.plots import (
    Animator as Animator,
    browse as browse,
    set_figsize as set_figsize,
    show_images as show_images,
)
from .chapter.synthesis import (
    SynthesizedImage as SynthesizedImage,
    get_inits as get_inits,
)
from .chapter.train import train as train
from .chapter.vgg import (
    build_net as build_net,
    extract_features as extract_features,
    get_contents as get_contents,
    get_styles as get_styles,
)
from .errors import (
    GluonStyleError as GluonStyleError,
    NonFiniteLossError as NonFiniteLossError,
)
from .layers import (
    CONTENT_LAYERS as CONTENT_LAYERS,
    LAYER_NAMES as LAYER_NAMES,
    STYLE_LAYERS as STYLE_LAYERS,
)
from .many.clip import stylize_video as stylize_video
from .many.executors import open_cluster as open_cluster
from .many.mapping import map_styles as map_styles
from .methods.feedforward.learn import learn as learn
from .methods.feedforward.styles import Style as Style
from .methods.gatys.adam import adam as adam
from .methods.gatys.checkpoint import Checkpoint as Checkpoint
from .methods.gatys.lbfgs import lbfgs as lbfgs
from .methods.gatys.objective import Objective as Objective
from .methods.gatys.presets import PRESETS as PRESETS
from .methods.gatys.settings import Settings as Settings
from .methods.gatys.stylize import (
    reconstruct as reconstruct,
    texture as texture,
)
from .methods.observers import (
    Animate as Animate,
    Observer as Observer,
    Patience as Patience,
    Progress as Progress,
    SaveSteps as SaveSteps,
)
from .methods.stylize import stylize as stylize
from .methods.table import METHODS as METHODS, get_method as get_method
from .pictures.write import save_image as save_image
from .records.log import Log as Log
from .records.record import Record as Record
from .records.result import Result as Result
from .weights import load_weights as load_weights
from .widgets.panel import panel as panel

__version__: str
