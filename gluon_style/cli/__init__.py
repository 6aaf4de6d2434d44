"""The command gluon-style: the only room that prints, parses or exits.

A command is a module with its parser and its body. MXNet is imported only
once the arguments make sense, so that help and mistakes are answered at once.
"""

from __future__ import annotations

import argparse
import errno
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from gluon_style._mxnet import explained
from gluon_style.cli.messages import BAD_INPUT, NOT_FINITE, complain, sentence
from gluon_style.cli.parser import parse_arguments
from gluon_style.cli.signals import Interrupted, interrupting
from gluon_style.cli.streams import unfailing
from gluon_style.errors import GluonStyleError, NonFiniteLossError


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    It is 0, 2 for a mistake, 3 for a loss that is not finite, and 128 plus
    the signal's number where one ended the command; ``figure`` and
    ``doctor`` return 1 for what they found wrong. A bug shows its traceback
    and makes Python exit with 1. No command fails because it cannot print,
    unless what it prints is its result.
    """
    with unfailing() as out:
        args = parse_arguments(sys.argv[1:] if argv is None else argv)
        code = _run(args)
        out.flush()
        lost = out.error
        prints_result = args.prints_result or getattr(args, 'json', False)
        if prints_result and code == 0 and lost is not None:
            # A reader who has enough, such as ``head``, closes the pipe.
            if lost.errno != errno.EPIPE:
                complain(sentence(lost))
                return BAD_INPUT
        return code


def _run(args: argparse.Namespace) -> int:
    try:
        with interrupting(), _log_to_stderr(args.quiet), explained():
            return args.run(args)
    except Interrupted as signal:
        complain(f'interrupted: {args.kept}')
        return signal.code
    except NonFiniteLossError as error:
        complain(sentence(error))
        return NOT_FINITE
    except (GluonStyleError, OSError) as error:
        complain(sentence(error))
        return BAD_INPUT


@contextmanager
def _log_to_stderr(quiet: bool) -> Iterator[None]:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter('gluon-style: %(message)s'))
    logger = logging.getLogger('gluon_style')
    logger.addHandler(handler)
    # MXNet sets up the root logger, which would print everything twice.
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
