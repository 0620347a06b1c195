"""A server process that ends with the process that started it, even if that one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

# The watcher reads the process id of the server, then waits for another line. That line means that
# the server has been stopped. If this process ends without sending it, the pipe is closed, and the
# watcher ends the server and removes its files. (PR_SET_PDEATHSIG of Linux is no alternative: it
# sends the signal already when the *thread* that started the server ends.)
_WATCHER = 'read -r pid && { read -r _ || { kill -"$END" "$pid"; sleep 0.1; rm -rf "$REMOVE"; }; }'


class SupervisedProcess:
    """Run `argv` in the background until it is stopped or this process ends.

    Args:
        argv: the program and its arguments.
        log: file for the output of the program.
        remove: folder to delete if this process is killed.
        stop: signal for a normal end of the program.
        end: signal that the watcher sends if this process is killed.
        user: operating system account to run the program as. This process must run as root then.
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
        # Both processes get a new session, so that Ctrl-C reaches only this process, which then
        # stops the server.
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
        """Whether the program still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Stop the program, and wait until it has ended."""
        self._end_with(self._stop)

    def kill(self) -> None:
        """End the program at once (`kill -9`)."""
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
