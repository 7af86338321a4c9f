"""The terminal app and the command line."""

import os
import sys

# `python -m tui.cli` puts the working folder first on the path. Nothing else may be imported from
# there, unless it is the checkout that this code itself comes from. (`os` is loaded at any start.)
if sys.argv[:1] == ["-m"] and sys.path[:1] != [os.path.dirname(os.path.dirname(__file__))]:
    del sys.path[:1]
