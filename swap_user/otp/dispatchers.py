"""Dispatchers run jobs in threads of this process, in the project's task queue, or inline."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ParamSpec, cast

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction
from django.utils.module_loading import import_string

from swap_user.conf import swap_user_settings
from swap_user.otp.background import context, failures, lifecycle
from swap_user.otp.background.calls import Abandoned, ProcessEnds
from swap_user.otp.background.queued import run_job
from swap_user.otp.background.registry import Job, is_urgent, name_of, named
from swap_user.otp.connections import inline

__all__ = [
    "AbstractDispatcher",
    "CeleryDispatcher",
    "InlineDispatcher",
    "QueueDispatcher",
    "TaskDispatcher",
    "ThreadDispatcher",
    "run_job",
]

P = ParamSpec("P")


class JobRaised(Exception):
    """A job that ran inline raised the exception that is the cause of this one."""


def dispatch(job: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """
    Run a job with the dispatcher that the settings name.

    If the dispatcher can't be loaded or raises an exception, report that the job is dropped. The
    caller sees no difference (R34).

    Args:
        job: one of ``registry.JOBS``.
        args: JSON values that contain neither a code nor a secret: a queue may store them.
        kwargs: JSON values, as above.

    Raises:
        Exception: an exception of a job that ran inline, for tests.
    """

    def step() -> None:
        dispatcher = load_dispatcher()
        bind(dispatcher, dispatcher.job_context(), job, args, kwargs)()

    guarded(job, args, kwargs, step)


def run_in_context(found: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """
    Run another job in the context of the request that asked for it. This is a job.

    Args:
        found: what ``AbstractDispatcher.job_context()`` returned.
        name: the name of the other job.
        args: its arguments.
        kwargs: its arguments.

    Raises:
        LookupError: there is no such job.
    """
    with context.entered(partial(load_dispatcher().enter_context, found)):
        named(name)(*args, **kwargs)


def bind(
    dispatcher: "AbstractDispatcher",
    found: Any,
    job: Job,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Callable[[], None]:
    """Return a call of the dispatcher, in which the job knows the context of the request."""
    if found is None:
        return partial(dispatcher.dispatch, job, args, kwargs)
    return partial(dispatcher.dispatch, run_in_context, (found, name_of(job), [*args], kwargs), {})


def guarded(
    job: Job, args: Sequence[Any], kwargs: Mapping[str, Any], step: Callable[[], None]
) -> None:
    """Call ``step``, and report that a job is dropped if the dispatcher raises an exception."""
    failure: BaseException | None = None
    try:
        step()
    except JobRaised as raised:
        failure = raised.__cause__
    except Exception as error:  # noqa: BLE001 - the dispatcher is the project's
        failures.job_dropped(job, args, kwargs, failures.describe(error))
    if failure is not None:
        raise failure  # not in the block above, where Python would change its context


class AbstractDispatcher(ABC):
    """Subclass this, define ``dispatch``, and name the class in ``OTP_DISPATCHER``."""

    @abstractmethod
    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Run ``job(*args, **kwargs)``, now or soon.

        Log exceptions instead of raising them, so that the visitor sees no difference.

        Args:
            job: a function of this package. ``registry.name_of()`` returns its name for a queue,
                and ``registry.named()`` returns the function with this name.
            args: JSON values that contain neither a code nor a secret.
            kwargs: JSON values, as above.
        """

    def job_context(self) -> Any:
        """
        Return what the job must know about the request that asks for it, such as the tenant.

        It is called in the request, before ``dispatch()``. By default, there is nothing.

        Returns:
            A JSON value, or None for nothing.
        """
        return None

    def enter_context(self, found: Any) -> AbstractContextManager[object]:
        """
        Return a context manager in which the job runs, for example in its tenant.

        A job may continue in another thread. Then the context is entered in that thread too.

        Args:
            found: what ``job_context()`` returned.
        """
        return nullcontext()


class InlineDispatcher(AbstractDispatcher):
    """
    Run the job in the request; for tests.

    The sender is called in the same thread and transaction, once and without a time limit.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Run the job; see AbstractDispatcher.dispatch().

        Raises:
            JobRaised: the job raised an exception, which is the cause of this one.
        """
        token = inline.set(True)
        try:
            job(*args, **kwargs)
        except Exception as error:
            raise JobRaised from error
        finally:
            inline.reset(token)


class ThreadDispatcher(AbstractDispatcher):
    """
    Run the job in a thread of this process, shortly after the request.

    In a ``TestCase``, run the job as InlineDispatcher does: the transaction of the test is never
    committed, and other threads can't see its data. If the code under test opens a transaction, the
    job runs in a callback of ``captureOnCommitCallbacks(execute=True)``.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Queue the job; see AbstractDispatcher.dispatch()."""
        if _is_in_testcase():
            InlineDispatcher().dispatch(job, args, kwargs)
            return
        _after_commit(partial(self._submit, job, args, kwargs))

    def _submit(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if _is_in_testcase():  # after a block of the request, with captureOnCommitCallbacks()
            InlineDispatcher().dispatch(job, args, kwargs)
            return
        lost = partial(failures.job_dropped, job, args, kwargs, ProcessEnds.REASON)
        run, urgent = partial(self._run, job, args, kwargs), is_urgent(job, args, kwargs)
        if reason := lifecycle.current().submit(run, lost=lost, is_urgent=urgent):
            failures.job_dropped(job, args, kwargs, reason)

    def _run(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        try:
            job(*args, **kwargs)
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - the thread does not report it
            lifecycle.current().settle()
            failures.job_failed(job, args, kwargs, error)


class QueueDispatcher(AbstractDispatcher):
    """
    Subclass this for a queue such as Celery, RQ, Dramatiq or django-q2, and define ``enqueue``.

    A worker of the queue calls ``run_job()`` with the same three arguments.
    """

    @abstractmethod
    def enqueue(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        """
        Put a job into the queue. An exception is logged and signalled: the job is dropped then.

        Args:
            name: the name of the job.
            args: JSON values that contain neither a code nor a secret.
            kwargs: JSON values, as above.
        """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Enqueue the job after the commit; see AbstractDispatcher.dispatch()."""
        _after_commit(partial(self._enqueue, job, list(args), dict(kwargs)))

    def _enqueue(self, job: Job, args: list[Any], kwargs: dict[str, Any]) -> None:
        try:
            self.enqueue(name_of(job), args, kwargs)
        except Exception as error:  # noqa: BLE001 - the queue is the project's
            failures.job_dropped(job, args, kwargs, failures.describe(error))


class CeleryDispatcher(QueueDispatcher):
    """
    Enqueue the job in the project's Celery app.

    Workers find the task with ``app.autodiscover_tasks()``.
    """

    def enqueue(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        """
        Enqueue the job; see QueueDispatcher.enqueue().

        Raises:
            ImportError: Celery is not installed.
        """
        # Imported here, because not every project has Celery.
        from swap_user.otp.background.celery_task import run_job as task  # noqa: PLC0415

        task.delay(name, args, kwargs)


class TaskDispatcher(AbstractDispatcher):
    """
    Enqueue the job in the task backend "default" of Django or of the package django-tasks.

    If that backend is ImmediateBackend, which has no queue, run the job as ThreadDispatcher does.
    """

    def dispatch(self, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """
        Enqueue the job; see AbstractDispatcher.dispatch().

        Raises:
            ImproperlyConfigured: neither Django nor django-tasks has a task framework.
        """
        # Imported here, because not every project has a task framework.
        from swap_user.otp.background.django_tasks import has_queue, task_for  # noqa: PLC0415

        if not has_queue():
            ThreadDispatcher().dispatch(job, args, kwargs)
            return
        task = task_for(job, args, kwargs)
        _after_commit(partial(self._enqueue, task, job, list(args), dict(kwargs)))

    def _enqueue(self, task: Any, job: Job, args: list[Any], kwargs: dict[str, Any]) -> None:
        try:
            task.enqueue(name_of(job), args, kwargs)
        except Exception as error:  # noqa: BLE001 - the backend is the project's
            failures.job_dropped(job, args, kwargs, failures.describe(error))


def load_dispatcher() -> AbstractDispatcher:
    """
    Return an instance of the dispatcher class that the settings name.

    Raises:
        ImportError: the class can't be imported.
        TypeError: the class is abstract.
    """
    return cast("AbstractDispatcher", import_string(swap_user_settings.OTP_DISPATCHER)())


def _is_in_testcase() -> bool:
    """Return whether the only open transactions are those of Django's TestCase."""
    blocks = connections[router.db_for_write(get_user_model())].atomic_blocks
    return bool(blocks) and all(getattr(block, "_from_testcase", False) for block in blocks)


def _after_commit(step: Callable[[], None]) -> None:
    """
    Call ``step`` after the transaction of the users' database is committed, or now if none is open.

    A sign-up with ATOMIC_REQUESTS creates the user in the same transaction, and the job must find
    that user. After a rollback, ``step`` is not called.
    """
    alias = router.db_for_write(get_user_model())
    # on_commit() alone would open a connection, which the request may not need.
    if connections[alias].in_atomic_block:
        transaction.on_commit(step, using=alias, robust=True)
    else:
        step()
