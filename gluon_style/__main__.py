"""Let ``python -m gluon_style`` be ``gluon-style``."""

import sys

from gluon_style.cli import main

if __name__ == '__main__':
    sys.exit(main())
