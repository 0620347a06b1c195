"""A mixin for test cases of Django."""

import unittest
from typing import TYPE_CHECKING, Any

from swap_user.testing.isolation import one_test
from swap_user.testing.messages import memory_sender
from swap_user.testing.reached import TITLE, ReachedLimits

if TYPE_CHECKING:
    _TestCase = unittest.TestCase
else:
    _TestCase = object


class OTPTestMixin(_TestCase):
    """
    A mixin for test cases that log in. It stands before ``TestCase`` in the list of bases.

    In every test, codes and notices go to ``swap_user.testing.outbox``, which is empty at the
    beginning, and so are the limits. A test that fails after a limit was reached names the limit.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if issubclass(cls, unittest.TestCase) and cls.run is unittest.TestCase.run:
            raise TypeError(f"{cls.__name__}: OTPTestMixin must stand before TestCase.")

    def run(self, result: Any = None) -> Any:
        """Run the test; see unittest.TestCase.run()."""
        with memory_sender(), one_test() as reached:
            explained: Any = None if result is None else _Explained(result, reached)
            return super().run(explained)


class _Explained:
    """
    Passes everything on to a test result, and adds a note to the exceptions of failures.

    Args:
        result: the result of the test runner.
        reached: the limits that the test reaches.
    """

    def __init__(self, result: Any, reached: ReachedLimits) -> None:
        self._result, self._reached = result, reached

    def __getattr__(self, name: str) -> Any:
        return getattr(self._result, name)

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """See unittest.TestResult.addFailure()."""
        self._result.addFailure(test, self._explain(err))

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        """See unittest.TestResult.addError()."""
        self._result.addError(test, self._explain(err))

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        """See unittest.TestResult.addSubTest()."""
        self._result.addSubTest(test, subtest, self._explain(err))

    def _explain(self, err: Any) -> Any:
        if isinstance(err, tuple) and (text := self._reached.text()):
            err[1].add_note(f"{TITLE}:\n{text}")
        return err
