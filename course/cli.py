"""The command `nnlab`. This file only guards the door: the commands themselves (course/commands.py) need
the packages of the extra `lab`, and a reader who installed bare `nnlab` is told so in one line.
"""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        from course import commands
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name in ("course", "nnlab"):
            raise  # a defect of ours, not an extra that was left out
        print(f'nnlab: its commands need {name}, which is not installed: pip install "nnlab[lab]"', file=sys.stderr)
        return 1
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
