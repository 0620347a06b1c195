"""Run the attack on one of these models: ``python -m tests.users.own_models``."""

import json
import sys

import django

django.setup()

from tests.users.own_models.attack import attack  # noqa: E402 - it imports models

json.dump(attack(), sys.stdout)
