from .chapter.devices import try_all_gpus as try_all_gpus
from .chapter.devices import try_gpu as try_gpu
from .chapter.images import (
    RGB_MEAN as RGB_MEAN,
)
from .chapter.images import (
    RGB_STD as RGB_STD,
)
from .chapter.images import (
    postprocess as postprocess,
)
from .chapter.images import (
    preprocess as preprocess,
)
from .chapter.images import (
    read_image as read_image,
)
from .chapter.losses import (
    compute_loss as compute_loss,
)
from .chapter.losses import (
    content_loss as content_loss,
)
from .chapter.losses import (
    gram as gram,
)
from .chapter.losses import (
    style_loss as style_loss,
)
from .chapter.losses import (
    tv_loss as tv_loss,
)
from .chapter.plots import (
    Animator as Animator,
)
from .chapter.plots import (
    browse as browse,
)
from .chapter.plots import (
    set_figsize as set_figsize,
)
from .chapter.plots import (
    show_images as show_images,
)
from .chapter.synthesis import (
    SynthesizedImage as SynthesizedImage,
)
from .chapter.synthesis import (
    get_inits as get_inits,
)
from .chapter.train import train as train
from .chapter.vgg import (
    build_net as build_net,
)
from .chapter.vgg import (
    extract_features as extract_features,
)
from .chapter.vgg import (
    get_contents as get_contents,
)
from .chapter.vgg import (
    get_styles as get_styles,
)
from .errors import (
    GluonStyleError as GluonStyleError,
)
from .errors import (
    NonFiniteLossError as NonFiniteLossError,
)
from .layers import (
    CONTENT_LAYERS as CONTENT_LAYERS,
)
from .layers import (
    LAYER_NAMES as LAYER_NAMES,
)
from .layers import (
    STYLE_LAYERS as STYLE_LAYERS,
)
from .methods.gatys.adam import adam as adam
from .methods.gatys.checkpoint import Checkpoint as Checkpoint
from .methods.gatys.lbfgs import lbfgs as lbfgs
from .methods.gatys.objective import Objective as Objective
from .methods.gatys.presets import PRESETS as PRESETS
from .methods.gatys.settings import Settings as Settings
from .methods.gatys.stylize import (
    reconstruct as reconstruct,
)
from .methods.gatys.stylize import (
    stylize as stylize,
)
from .methods.gatys.stylize import (
    texture as texture,
)
from .methods.observers import (
    Animate as Animate,
)
from .methods.observers import (
    Observer as Observer,
)
from .methods.observers import (
    Patience as Patience,
)
from .methods.observers import (
    Progress as Progress,
)
from .methods.observers import (
    SaveSteps as SaveSteps,
)
from .pictures.write import save_image as save_image
from .records.log import Log as Log
from .records.record import Record as Record
from .records.result import Result as Result
from .weights import load_weights as load_weights
