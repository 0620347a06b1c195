"""Dispatchers: jobs run in threads of this process, in the project's task queue, or inline."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ParamSpec, cast

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction
from django.utils.module_loading import import_string

from swap_user.conf import swap_user_settings
from swap_user.otp.background import failures, thread_pool
from swap_user.otp.background.inline import inline
from swap_user.otp.background.registry import Job, name_of

P = ParamSpec("P")


def dispatch(job: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """
    Run a job with the dispatcher that the settings name.

    Args:
        job: one of ``registry.JOBS``.
        args: JSON values that contain neither a code nor a secret: a queue may store them.
        kwargs: JSON values, as above.
    """
    load_dispatcher().dispatch(job, args, kwargs)


class AbstractDispatcher(ABC):
    """Subclass this, define ``dispatch``, and name the class in ``OTP_DISPATCHER``."""

    @abstractmethod
    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Run ``job(*args, **kwargs)``, now or soon. Log what goes wrong; the visitor must not see it.

        Args:
            job: a function of this package. ``registry.name_of`` returns its name, and
                ``registry.named`` the function of this name.
            args: JSON values that contain neither a code nor a secret.
            kwargs: JSON values, as above.
        """


class InlineDispatcher(AbstractDispatcher):
    """
    Run the job in the request; for tests.

    The sender is called in the same thread and transaction, once and without a time limit.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Run it; see AbstractDispatcher.dispatch()."""
        token = inline.set(True)
        try:
            job(*args, **kwargs)
        finally:
            inline.reset(token)


class ThreadDispatcher(AbstractDispatcher):
    """
    Run the job in a thread of this process, a moment after the request.

    In the transaction of a ``TestCase``, which is never committed and invisible to other threads,
    run it as InlineDispatcher does.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Queue it; see AbstractDispatcher.dispatch()."""
        if _is_in_testcase():
            InlineDispatcher().dispatch(job, args, kwargs)
            return
        _after_commit(partial(self._submit, job, args, kwargs))

    def _submit(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if reason := thread_pool.current().submit(partial(self._run, job, args, kwargs)):
            failures.job_dropped(job, reason)

    def _run(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        try:
            job(*args, **kwargs)
        except thread_pool.Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - the thread would drop it
            failures.job_failed(job, error)


class TaskDispatcher(AbstractDispatcher):
    """
    Give the job to the task backend "default" of Django, or of the package django-tasks.

    While that is ImmediateBackend, which has no queue, do what ThreadDispatcher does.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Enqueue it; see AbstractDispatcher.dispatch().

        Raises:
            ImproperlyConfigured: there is no such framework.
        """
        # Not every project has the framework.
        from swap_user.otp.background.django_tasks import has_queue, run_job  # noqa: PLC0415

        if not has_queue():
            ThreadDispatcher().dispatch(job, args, kwargs)
            return
        _after_commit(partial(self._enqueue, run_job, job, list(args), dict(kwargs)))

    def _enqueue(self, task: Any, job: Job, args: list[Any], kwargs: dict[str, Any]) -> None:
        try:
            task.enqueue(name_of(job), args, kwargs)
        except Exception as error:  # noqa: BLE001 - the backend is the project's
            failures.job_dropped(job, failures.describe(error))


def load_dispatcher() -> AbstractDispatcher:
    """
    Return an instance of the dispatcher class that the settings name.

    Raises:
        ImportError: there is no such class.
        TypeError: it is still abstract.
    """
    return cast("AbstractDispatcher", import_string(swap_user_settings.OTP_DISPATCHER)())


def _is_in_testcase() -> bool:
    """Return whether the only open transactions are those of Django's TestCase."""
    blocks = connections[router.db_for_write(get_user_model())].atomic_blocks
    return bool(blocks) and all(getattr(block, "_from_testcase", False) for block in blocks)


def _after_commit(step: Callable[[], None]) -> None:
    """
    Call ``step`` when the transaction of the users' database is committed; now if there is none.

    A sign-up under ATOMIC_REQUESTS creates the user in the same transaction, and the job must find
    that user. After a rollback nothing is sent.
    """
    alias = router.db_for_write(get_user_model())
    # on_commit() alone would open a connection, which the request may not need.
    if connections[alias].in_atomic_block:
        transaction.on_commit(step, using=alias, robust=True)
    else:
        step()
