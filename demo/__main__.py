"""`make demo`: run the demo until Ctrl-C. It then stops its servers and removes their files."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # Further signals are ignored during the cleanup.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """
    Run the demo until it is interrupted. If it can't start, print the reason in one line.

    Returns:
        The exit status.
    """
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    try:
        from demo.run import CannotStart, run  # inside try: Ctrl-C may come during the import

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
