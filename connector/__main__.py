"""``python -m connector``, and the command ``connector``."""

from __future__ import annotations

import sys

FAILED, INTERRUPTED = 1, 130
"""The same as in ``Exit``, which is not loaded yet."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback also while its modules are still being loaded.

    Neither is there one where a library is missing, because another Python was used than the one that has them.
    """
    try:
        from connector.cli.main import main as command_line  # noqa: PLC0415 - a second's work that may be interrupted

        command_line()
    except ModuleNotFoundError as missing:
        sys.stderr.write(
            f"error: this Python has no library {missing.name}\n"
            "  -> use the one in .venv, which `scripts/setup` makes, or install requirements.txt\n"
        )
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
