"""
Hostile inputs: whatever comes in, no exception and no status 500 (R14).

``HOSTILE_EXAMPLES`` is how many are tried in all, 2,000 by default. At the end pytest says how many
there really were.
"""
