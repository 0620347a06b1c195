"""User models as projects really have them, one for each way to differ from Django's own."""

import uuid
from decimal import Decimal
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


class Reversed(models.CharField):
    """Text that is stored backwards."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Turn it around."""
        return value if value is None else value[::-1]

    def get_prep_value(self, value: Any) -> Any:
        """Turn it around."""
        value = super().get_prep_value(value)
        return value if value is None else value[::-1]


class Base(AbstractBaseUser):
    """What all of them share."""

    name = models.CharField(max_length=100, unique=True)
    is_active = models.BooleanField(default=True)
    objects = BaseUserManager()
    USERNAME_FIELD = "name"

    class Meta:
        abstract = True


class Plain(Base):
    """A model like Django's."""


class UUIDKey(Base):
    """A UUID as primary key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class DBColumn(Base):
    """Columns with other names than their fields."""

    name = models.CharField(max_length=100, unique=True, db_column="Login Name")
    is_active = models.BooleanField(default=True, db_column="select")


class JSON(Base):
    """A JSON column."""

    settings = models.JSONField(default=dict)


class Number(Base):
    """A Decimal and a date, which backends convert."""

    balance = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("1.50"))
    born = models.DateTimeField(null=True)


class Generated(Base):
    """A column that the database computes."""

    lower = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=100), db_persist=True
    )


class Converted(Base):
    """A field with from_db_value()."""

    note = Reversed(max_length=50, default="note")


class ConvertedName(Base):
    """A username with from_db_value()."""

    name = Reversed(max_length=100, unique=True)


class Parent(Base):
    """A concrete model for the next two."""

    group = models.CharField(max_length=10, default="a")


class Proxy(Parent):
    """A proxy."""

    class Meta:
        proxy = True


class Tables(Parent):
    """Several tables."""

    more = models.CharField(max_length=10, default="b")


class Keyed(Base):
    """The username is the primary key."""

    name = models.CharField(max_length=100, primary_key=True)


class ActiveManager(BaseUserManager):
    """A manager that shows a part of the rows."""

    def get_queryset(self) -> Any:
        """Leave out inactive users."""
        return super().get_queryset().filter(is_active=True)


class Managed(Base):
    """A manager of its own."""

    objects = ActiveManager()


class NamedQuerySet(models.QuerySet):
    """A queryset of a project."""


class Querysetted(Base):
    """A manager made from a queryset."""

    objects = BaseUserManager.from_queryset(NamedQuerySet)()


class Picky(Base):
    """A model that refuses rows with default values."""

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any) -> Any:
        """Refuse a row without a name."""
        user = super().from_db(db, field_names, values)
        if not user.name:
            raise ValueError("a row without a name")
        return user
