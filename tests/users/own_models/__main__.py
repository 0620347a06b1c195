"""Run the attack on one of these models: ``python -m tests.users.own_models``."""

import json
import sys

import django

django.setup()

from django.apps import apps  # noqa: E402 - it needs the settings
from django.db import connection  # noqa: E402
from django.db.models.signals import pre_migrate  # noqa: E402

from tests.users.own_models.attack import attack, make_table  # noqa: E402 - it imports models

pre_migrate.connect(make_table, sender=apps.get_app_config("own_models"))
connection.creation.create_test_db(verbosity=0, autoclobber=True)
try:
    json.dump(attack(), sys.stdout)
finally:
    connection.creation.destroy_test_db("", verbosity=0)
