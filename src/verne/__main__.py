"""`python -m verne` is the `verne` command."""

from verne.cli import main

main()
