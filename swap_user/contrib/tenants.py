"""Dispatchers for django-tenants: a delivery runs in the tenant of the request (its schema)."""

from contextlib import AbstractContextManager
from typing import Any, cast

from django.db import connections
from django_tenants.utils import get_tenant_database_alias, schema_context

from swap_user.otp.dispatchers import AbstractDispatcher, TaskDispatcher, ThreadDispatcher


class TenantMixin(AbstractDispatcher):
    """Put this before any other dispatcher class."""

    def job_context(self) -> str:
        """Return the schema of the current tenant."""
        connection: Any = connections[get_tenant_database_alias()]
        return str(connection.schema_name)

    def enter_context(self, found: str) -> AbstractContextManager[object]:
        """Return a context manager in which this schema is used."""
        return cast("AbstractContextManager[object]", schema_context(found))


class TenantThreadDispatcher(TenantMixin, ThreadDispatcher):
    """ThreadDispatcher for django-tenants."""


class TenantTaskDispatcher(TenantMixin, TaskDispatcher):
    """TaskDispatcher for django-tenants."""
