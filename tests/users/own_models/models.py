"""
User models as projects have them, each with a username of another kind.

``STORED`` is the stored username of the only user, ``TYPED`` are other ways to type it, and
``UNKNOWN`` is a username of nobody. ``UNKNOWN_TYPED`` are ways to type it that would be one
account if there were one; several models are tried with these.
"""

import os
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

# PostgreSQL has no such collation until one is created.
NO_CASE = {"postgres": None, "mariadb": "utf8mb4_unicode_ci"}.get(
    os.environ.get("DATABASE", ""), "NOCASE"
)


class Manager(BaseUserManager):
    """Finds users as Django does."""

    def create_user(self, username: Any, password: str) -> Any:
        """Store the username without any normalization."""
        user = self.model(**{self.model.USERNAME_FIELD: username})
        user.set_password(password)
        user.save()
        return user


class Base(AbstractBaseUser):
    """What the models share."""

    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=True)
    objects = Manager()
    USERNAME_FIELD = "name"
    STORED: ClassVar[Any]
    TYPED: ClassVar[list[str]]
    UNKNOWN: ClassVar[Any]
    UNKNOWN_TYPED: ClassVar[list[str]] = []

    class Meta:
        abstract = True

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Allow everything."""
        return True

    has_module_perms = has_perm


class Phone(Base):
    """A phone number, without our base class: get_username() returns a PhoneNumber."""

    name = PhoneNumberField(unique=True)
    STORED, UNKNOWN = "+41446681800", "+41446681801"
    TYPED = [
        *("+41446681800", "+41 44 668 18 00", "0041446681800", "tel:+41-44-668-18-00"),
        *("044 668 18 00", "+41\u200b446681800", "\u202a+41446681800\u202c", "+٤١٤٤٦٦٨١٨٠٠"),
    ]


class OldPhone(Base):
    """A phone number that today's metadata do not know, but that was stored once."""

    name = PhoneNumberField(unique=True)
    STORED, UNKNOWN = "+41999999999", "+41999999998"
    TYPED = ["+41999999999", "+41 99 999 99 99", "0041999999999"]


class LoweredEmailField(models.EmailField):
    """Lower case by to_python()."""

    def to_python(self, value: Any) -> Any:
        """Return the address in lower case."""
        value = super().to_python(value)
        return value.lower() if isinstance(value, str) else value


class PreparedEmailField(models.EmailField):
    """Lower case by get_prep_value()."""

    def get_prep_value(self, value: Any) -> Any:
        """Return the address in lower case."""
        value = super().get_prep_value(value)
        return value.lower() if isinstance(value, str) else value


class Lowered(Base):
    """An email address in lower case."""

    name = LoweredEmailField(unique=True)
    STORED, UNKNOWN = "ann@example.com", "eve@example.com"
    TYPED = ["Ann@Example.com", "ANN@EXAMPLE.COM", " ann@example.com ", "ann@exam\u200bple.com"]


class Prepared(Base):
    """The same, in the database only."""

    name = PreparedEmailField(unique=True)
    STORED, UNKNOWN, TYPED = Lowered.STORED, Lowered.UNKNOWN, Lowered.TYPED


class Number(Base):
    """An integer."""

    name = models.PositiveIntegerField(unique=True)
    STORED, UNKNOWN = 4711, 4712
    TYPED = ["4711", " 4711 ", "04711", "\u200b4711", "٤٧١١"]


class Identifier(Base):
    """A UUID."""

    name = models.UUIDField(unique=True)
    STORED, UNKNOWN = uuid.UUID(int=2**127 + 5), uuid.UUID(int=2**127 + 6)
    TYPED = [
        "80000000-0000-0000-0000-000000000005",
        "80000000000000000000000000000005",
        "{80000000-0000-0000-0000-000000000005}",
        "urn:uuid:80000000-0000-0000-0000-000000000005",
    ]


class Badge(models.Model):
    """What the next model's username is."""

    number = models.CharField(max_length=10, unique=True)

    def __str__(self) -> str:
        return f"No. {self.number}"


class Related(Base):
    """A relation."""

    name = models.OneToOneField(Badge, models.CASCADE)
    STORED, UNKNOWN = 7, 8
    TYPED = ["7", " 7 "]


class RelatedByNumber(Base):
    """A relation to another field than the primary key."""

    name = models.OneToOneField(Badge, models.CASCADE, to_field="number")
    STORED, UNKNOWN = "b7", "b8"
    TYPED = ["b7", "b\u200b7"]


class AnyCase(Manager):
    """Finds users whatever the case."""

    def get_by_natural_key(self, username: str | None) -> Any:
        """Ignore case."""
        return self.get(name__iexact=username)


class IExact(Base):
    """A manager that ignores case."""

    name = models.CharField(max_length=100, unique=True)
    objects = AnyCase()
    STORED, UNKNOWN = "Ann", "Eve"
    UNKNOWN_TYPED = ["Eve", "eve", "EVE", "eVE", "e\u2060ve"]
    TYPED = ["Ann", "ann", "ANN", "aNN", "a\u2060nn"]


class IExactEmail(Base):
    """An email address, whose domain is stored as it was typed."""

    name = models.EmailField(unique=True)
    objects = AnyCase()
    STORED, UNKNOWN = "Ann@Example.com", "eve@example.com"
    UNKNOWN_TYPED = ["eve@example.com", "Eve@Example.com", "EVE@EXAMPLE.COM"]
    TYPED = ["ann@example.com", "ANN@EXAMPLE.COM", "Ann@example.COM"]


class NoCase(Base):
    """A column that ignores case."""

    name = models.CharField(max_length=100, unique=True, db_collation=NO_CASE)
    STORED, UNKNOWN = "Ann", "Eve"
    UNKNOWN_TYPED = ["Eve", "eve", "EVE", " eVE"]
    TYPED = ["Ann", "ann", "ANN", " aNN"]


class HandMade(Base):
    """A column that ignores case, which only the database knows."""

    name = models.CharField(max_length=100, unique=True)
    STORED, UNKNOWN = "Ann", "Eve"
    UNKNOWN_TYPED = ["Eve", "eve", "EVE", "\ufeffeVE"]
    TYPED = ["Ann", "ann", "ANN", "\ufeffaNN"]
    _SQL = (
        "CREATE TABLE IF NOT EXISTS own_models_handmade (id {key}, password varchar(128), "
        "last_login {time}, is_active bool, is_staff bool, name {text} UNIQUE)"
    )
    SQL: ClassVar = {
        "sqlite": [
            _SQL.format(
                key="integer PRIMARY KEY AUTOINCREMENT", time="datetime", text="text COLLATE NOCASE"
            )
        ],
        "postgresql": [
            "CREATE EXTENSION IF NOT EXISTS citext",
            _SQL.format(key="bigserial PRIMARY KEY", time="timestamptz", text="citext"),
        ],
        "mysql": [
            _SQL.format(
                key="bigint AUTO_INCREMENT PRIMARY KEY", time="datetime(6)", text="varchar(100)"
            )
        ],
    }

    class Meta:
        managed = False


class Umlaut(Base):
    """A plain email field with a domain in Unicode."""

    name = models.EmailField(unique=True)
    STORED, UNKNOWN = "info@müller.example", "info@möller.example"
    UNKNOWN_TYPED = ["info@möller.example", "info@xn--mller-jua.example", "info@MÖLLER.example",
                     "info@XN--MLLER-JUA.example"]  # fmt: skip
    TYPED = ["info@müller.example", "info@xn--mller-kva.example", "info@MÜLLER.example",
             "info@XN--MLLER-KVA.example", "info@mu\u0308ller.example"]  # fmt: skip


class Ascii(Base):
    """A plain email field with a domain in ASCII."""

    name = models.EmailField(unique=True)
    STORED = "info@xn--strae-oqa.example"
    UNKNOWN = "info@größe.example"
    UNKNOWN_TYPED = ["info@größe.example", "info@xn--gre-6ka8i.example", "info@GRÖßE.example"]
    TYPED = ["info@straße.example", "info@xn--strae-oqa.example", "info@STRAßE.example"]


class Office(Base):
    """An email field whose validators admit names of machines."""

    name = models.EmailField(unique=True)
    STORED, UNKNOWN = "ann@office", "eve@office"
    TYPED = ["ann@office", " ann@office"]


Office._meta.get_field("name").validators = [RegexValidator(r"^[a-z]+@[a-z]+$")]


class Legacy(Base):
    """A stored name that the validators refuse."""

    name = models.CharField(max_length=100, unique=True, validators=[RegexValidator(r"^[a-z]+$")])
    STORED, UNKNOWN = "o'neil 1", "eve"
    TYPED = ["o'neil 1"]
