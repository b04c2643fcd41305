"""`python -m devstack`: what `./gateway` runs once its environment is complete."""

import sys

from devstack.cli import main

sys.exit(main(sys.argv[1:]))
