"""`python -m graders` is the `lab` command."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing runs yet: Ctrl-C may end it on the spot

from graders.cli import main  # noqa: E402

main()
