"""The tenants of a project that uses django-tenants."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Customer(TenantMixin):
    """A tenant. Its schema is made and migrated when it is saved."""

    name = models.CharField(max_length=100)


class Domain(DomainMixin):
    """The host name of a tenant."""
