"""`python -m threadkeep`: the command line."""

import sys

from threadkeep.cli import main

if __name__ == "__main__":
    sys.exit(main())
