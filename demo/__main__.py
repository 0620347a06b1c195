"""`make demo`: runs until Ctrl-C, which leaves nothing behind."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: what follows is tidying up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo until it is interrupted, and say in one line what keeps it from running."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    try:
        from demo.run import CannotStart, run  # here, since it takes a moment to interrupt

        try:
            run()
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
