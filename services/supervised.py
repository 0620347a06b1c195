"""A server that can't outlive the process that started it, not even when that one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

# Reads the server's process id, then waits for a line that says all is well. Our end of the pipe
# closes when we die, however that happens; then no such line comes, and the server and its files
# go with us. (PR_SET_PDEATHSIG, on Linux, fires when the *thread* that started the server ends.)
_WATCHER = 'read -r pid && { read -r _ || { kill -"$END" "$pid"; sleep 0.1; rm -rf "$REMOVE"; }; }'


class SupervisedProcess:
    """Run `argv` in the background until stopped, or until this process is gone.

    Args:
        argv: the program and its arguments.
        log: file that receives what it prints.
        remove: folder to delete should this process be killed before it can tidy up itself.
        stop: signal that asks the program to end in good order.
        end: signal that it gets when this process has been killed.
        user: the account to run it as; this needs root.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        remove: Path,
        stop: signal.Signals = signal.SIGTERM,
        end: signal.Signals = signal.SIGKILL,
        user: str | None = None,
    ) -> None:
        self._stop = stop
        # Sessions of their own: Ctrl-C is for us, and we stop the server when we are done.
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"END": str(int(end)), "REMOVE": str(remove)},
            start_new_session=True,
        )
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )
        assert self._watcher.stdin is not None
        self._watcher.stdin.write(f"{self.process.pid}\n")
        self._watcher.stdin.flush()

    @property
    def running(self) -> bool:
        """Whether the program is still there."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it in good order, and wait for that."""
        self._end_with(self._stop)

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._end_with(signal.SIGKILL)

    def _end_with(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._watcher.poll() is None:
            self._watcher.communicate("done\n")
