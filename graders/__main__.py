"""`python -m graders` is the `lab` command."""

from graders.cli import main

main()
