"""The command gluon-style: the only package that prints or exits.

MXNet is imported only once the arguments make sense, so that help and
mistakes are answered at once.
"""

import logging
import sys
import warnings
from contextlib import contextmanager

from gluon_style._mxnet import explain
from gluon_style.cli import making, several, tools
from gluon_style.cli.arguments import BAD_INPUT, parse_arguments
from gluon_style.cli.progress import NOT_FINITE, complain, sentence
from gluon_style.cli.signals import INTERRUPTED, Signals


def main(argv=None):
    """Run the command line and return its exit code."""
    args = parse_arguments(argv)
    args.argv = sys.argv[1:] if argv is None else list(argv)
    with Signals() as args.signals:
        return _run(args)


def _run(args):
    try:
        with _log_to_stderr(quiet=getattr(args, 'quiet', False)):
            return COMMANDS[args.command](args)
    except KeyboardInterrupt:
        kept = 'nothing was written'
        if args.command in ('figure', 'sweep'):
            kept = 'the same command goes on from here'
        complain(f'interrupted: {kept}')
        return args.signals.code or INTERRUPTED
    except OSError as error:
        complain(sentence(error))
        return BAD_INPUT
    except ValueError as error:
        complain(error)
        return BAD_INPUT
    except ImportError as error:
        complain(explain(error))
        return BAD_INPUT
    except ArithmeticError as error:
        # A loss that is not finite.
        complain(error)
        return NOT_FINITE
    except (MemoryError, RuntimeError) as error:
        # MXNet's own error is a RuntimeError, its last line what happened.
        complain(f'out of memory or MXNet failed: {_last_line(error)}')
        return BAD_INPUT


def _last_line(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


@contextmanager
def _log_to_stderr(quiet):
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter('gluon-style: %(message)s'))
    logger = logging.getLogger('gluon_style')
    logger.addHandler(handler)
    # MXNet sets up the root logger, which would say everything twice.
    logger.propagate = False
    level = logger.level
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter('ignore')
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True


COMMANDS = {
    'run': making.make,
    'texture': making.make,
    'reconstruct': making.make,
    'demo': making.demo,
    'figure': several.figure,
    'sweep': several.sweep,
    'doctor': tools.doctor,
    'weights list': tools.list_weights,
    'weights fetch': tools.fetch_weights,
    'weights verify': tools.verify_weights,
    'weights convert': tools.convert_weights,
    'report': tools.report,
    'bundle': tools.bundle,
}
