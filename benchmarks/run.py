"""Measure on one database. Settings come from environment variables; times are printed as JSON."""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import sys

import django


def main() -> None:
    """Measure, or profile one contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--profile")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.contestants import CONTESTANTS
    from benchmarks.measure import rounds
    from benchmarks.visits import visits
    from swap_user.otp.background import lifecycle

    call_command("migrate", verbosity=0, interactive=False)
    chosen = [each for each in CONTESTANTS if options.profile in {None, each.key}]
    profile = cProfile.Profile() if options.profile else None
    times = rounds(chosen, options.rounds, profile=profile) if options.rounds else {}
    if profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(60)
    visited = visits(options.pairs) if options.pairs and not profile else []
    # The mail server is slow, so the remaining mails are not sent.
    lifecycle.current()._waiting.clear()
    major = connection.get_database_version()
    result = {"version": ".".join(map(str, major)), "times": times, "visits": visited}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
