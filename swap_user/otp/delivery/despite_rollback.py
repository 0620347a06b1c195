"""Run a job for which a rollback of the caller makes no difference."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import ParamSpec

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction

from swap_user.otp import dispatchers
from swap_user.otp.availability import is_in_transaction
from swap_user.otp.background import context, failures, lifecycle
from swap_user.otp.background.calls import ProcessEnds
from swap_user.otp.durable.after_commit import is_in_testcase
from swap_user.users.databases import written

P = ParamSpec("P")


def dispatch_despite_rollback(
    user_pk: str, job: Callable[P, None], *args: P.args, **kwargs: P.kwargs
) -> None:
    """
    Run a job even if the transaction of the caller is rolled back later.

    It is for notices of what a rollback does not undo: a used recovery code, spent guesses. The
    dispatcher is called in a thread without a transaction, so a dispatcher of a project needs no
    code for this.

    Args:
        user_pk: primary key of the user whom the job is about, as text. If the user was created in
            the transaction of the caller, the job waits for its commit. "" if it need not wait.
        job: see dispatch().
        args: see dispatch().
        kwargs: see dispatch().
    """
    connection = connections[router.db_for_write(get_user_model())]
    is_test = is_in_testcase(connection.alias)

    def step() -> None:
        dispatcher = dispatchers.load_dispatcher()
        if is_test and isinstance(dispatcher, dispatchers.ThreadDispatcher):
            # Other threads can't see the data of the test.
            dispatcher = dispatchers.InlineDispatcher()
        found = dispatcher.job_context()
        call = dispatchers.bind(dispatcher, found, job, args, kwargs)
        is_inline = isinstance(dispatcher, dispatchers.InlineDispatcher)
        if is_inline or is_test or not is_in_transaction(connection):
            call()
            return
        once = _Once(user_pk, call, partial(dispatchers.guarded, job, args, kwargs))
        if connection.in_atomic_block:
            transaction.on_commit(once.run, using=connection.alias, robust=True)
        lost = partial(failures.job_dropped, job, args, kwargs, ProcessEnds.REASON)
        entered = partial(context.entered, partial(dispatcher.enter_context, found))
        once_or_later = partial(once.run_if_user_is_committed, entered if found else nullcontext)
        if reason := lifecycle.current().submit(once_or_later, lost=lost):
            failures.job_dropped(job, args, kwargs, reason)

    dispatchers.guarded(job, args, kwargs, step)


class _Once:
    """
    Calls a dispatcher once: after the commit, or in a thread if there is none.

    Args:
        user_pk: see dispatch_despite_rollback().
        call: calls the dispatcher.
        guarded: calls a function, and reports its exceptions.
    """

    def __init__(
        self,
        user_pk: str,
        call: Callable[[], None],
        guarded: Callable[[Callable[[], None]], None],
    ) -> None:
        self._user_pk, self._call, self._guarded = user_pk, call, guarded
        self._is_due = threading.Lock()  # taken by the first call

    def run(self) -> None:
        """Call the dispatcher, unless it was called before."""
        if self._is_due.acquire(blocking=False):
            self._guarded(self._call)

    def run_if_user_is_committed(
        self, entered: Callable[[], AbstractContextManager[object]]
    ) -> None:
        """
        Call the dispatcher now, or leave it to the commit that creates the user.

        Args:
            entered: returns a context manager for the context of the request.
        """
        with entered():
            users = written(get_user_model())
            is_due = not self._user_pk or users.filter(pk=self._user_pk).exists()
        if is_due:
            self.run()
