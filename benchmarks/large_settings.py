"""Settings of the benchmarks of large tables: a project with this package and one user model."""

from benchmarks.flood_settings import *  # noqa: F403
from benchmarks.flood_settings import INSTALLED_APPS as _APPS
from benchmarks.settings import USER_MODEL

INSTALLED_APPS = [*_APPS]
if USER_MODEL.startswith("swap_to_"):
    INSTALLED_APPS.append("swap_user." + USER_MODEL.split(".")[0].removeprefix("swap_"))
