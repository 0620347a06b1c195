"""Where deliveries run: in threads of this process, in the project's task queue, or right here."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ParamSpec, cast

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction
from django.utils.module_loading import import_string

from swap_user.conf import swap_user_settings
from swap_user.otp.background import deadline, failures, registry, thread_pool

P = ParamSpec("P")

Job = Callable[..., None]


def dispatch(job: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """
    Have ``job`` run by the dispatcher that the settings name.

    Args:
        job: a function that is marked with ``jobs.job``.
        args: plain JSON values that hold neither code nor secret, so that a queue may carry them.
        kwargs: likewise.
    """
    load_dispatcher().dispatch(job, args, kwargs)


class AbstractDispatcher(ABC):
    """Subclass this, define ``dispatch``, and name the class in ``OTP_DISPATCHER``."""

    @abstractmethod
    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Have ``job(*args, **kwargs)`` run, now or soon. What goes wrong is not the visitor's.

        Args:
            job: a function of this package; ``jobs.name_of`` gives it a name, ``jobs.named`` finds
                it by that name.
            args: plain JSON values, without code or secret.
            kwargs: likewise.
        """


class InlineDispatcher(AbstractDispatcher):
    """
    Run the job within the request: for tests.

    The sender runs in the same thread and transaction, once, without a time limit.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Run it; see AbstractDispatcher.dispatch()."""
        with deadline.unlimited():
            job(*args, **kwargs)


class ThreadDispatcher(AbstractDispatcher):
    """
    Run the job in a thread of this process, a moment after it was asked for.

    In the transaction of a ``TestCase``, which nobody else can look into and which is never
    committed, it runs at once as with the InlineDispatcher.
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
        except BaseException as error:  # noqa: BLE001 - nobody is here to see it
            failures.job_failed(job, error)


class TaskDispatcher(AbstractDispatcher):
    """Give the job to the default backend of Django's task framework, or of django-tasks."""

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Enqueue it; see AbstractDispatcher.dispatch().

        Raises:
            ImproperlyConfigured: there is no such framework.
        """
        # Not every project has one.
        from swap_user.otp.background.django_tasks import run_job  # noqa: PLC0415

        _after_commit(partial(self._enqueue, run_job, job, list(args), dict(kwargs)))

    def _enqueue(self, task: Any, job: Job, args: list[Any], kwargs: dict[str, Any]) -> None:
        try:
            task.enqueue(registry.name_of(job), args, kwargs)
        except Exception as error:  # noqa: BLE001 - the backend is the project's
            failures.job_dropped(job, failures.describe(error))


def load_dispatcher() -> AbstractDispatcher:
    """
    Return a dispatcher of the class that the settings name.

    Raises:
        ImportError: there is no such class.
        TypeError: it is still abstract.
    """
    return cast("AbstractDispatcher", import_string(swap_user_settings.OTP_DISPATCHER)())


def _is_in_testcase() -> bool:
    """Say whether the only transactions around are those of Django's TestCase."""
    blocks = connections[router.db_for_write(get_user_model())].atomic_blocks
    return bool(blocks) and all(getattr(block, "_from_testcase", False) for block in blocks)


def _after_commit(step: Callable[[], None]) -> None:
    """
    Take ``step`` when the transaction of the users' database is committed: at once without one.

    The job looks for the user, whom a sign-up under ATOMIC_REQUESTS creates just now. What is
    rolled back sends nothing.
    """
    alias = router.db_for_write(get_user_model())
    # on_commit() alone would open a connection where the request needs none.
    if connections[alias].in_atomic_block:
        transaction.on_commit(step, using=alias, robust=True)
    else:
        step()
