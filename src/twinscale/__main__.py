"""``python -m twinscale``."""

from twinscale.cli import main

main()
