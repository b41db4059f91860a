"""The course as a static web site, by one command: `python -m tools.website FOLDER`, from the project's folder.

It needs what the tests need (`python3 start.py install test`). It is a tool of the project and no command of `nnlab`
because it reads what no wheel carries: README.md, docs/, and the code of the library as it stands here.
"""

import argparse
import sys
import time
from pathlib import Path

from tools.website.build import build
from tools.website.stills import drawn, stored


def main() -> int:
    ask = argparse.ArgumentParser("python -m tools.website", description=__doc__)
    ask.add_argument("folder", type=Path, help="where to write it; a new or empty folder, or an older site of ours")
    ask.add_argument("--quick", action="store_true", help="pictures as the lessons hold them: light, untrained")
    ask.add_argument("--for-instructors", action="store_true",
                     help="with each unit's page for the instructor, which gives answers away: not to be published")
    asked, begun = ask.parse_args(), time.monotonic()
    try:
        pages = build(asked.folder, stored if asked.quick else drawn, for_instructors=asked.for_instructors)
    except FileExistsError as problem:
        print(problem, file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in asked.folder.rglob("*") if file.is_file()) / 1e6
    print(f"{pages} pages, {size:.1f} MB, in {time.monotonic() - begun:.0f} s: open {asked.folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
