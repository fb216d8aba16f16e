"""``python -m connector``, and the command ``connector``."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The same as ``Exit.INTERRUPTED``, which is not loaded yet."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback also while its modules are still being loaded."""
    try:
        from connector.cli.main import main as command_line  # noqa: PLC0415 - a second's work that may be interrupted

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
