"""The languages of the demo: English, and each language that the package is translated into."""

from pathlib import Path

from django.conf.locale import LANG_INFO
from django.utils.translation import to_language


def languages_of(folder: Path) -> list[tuple[str, str]]:
    """
    Return codes and own names of languages, as the setting LANGUAGES contains them.

    Args:
        folder: a folder of catalogues. It need not exist.
    """
    catalogues = folder.glob("*/LC_MESSAGES/django.mo")
    codes = {"en", *(to_language(path.parent.parent.name) for path in catalogues)}
    named = [(code, str(LANG_INFO.get(code, {}).get("name_local", code))) for code in codes]
    return sorted(named, key=lambda language: language[1].casefold())
