"""Run the command ``gluon-style`` as ``python -m gluon_style``."""

import sys

from gluon_style.cli import main

if __name__ == '__main__':
    sys.exit(main())
