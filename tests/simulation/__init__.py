"""
A simulated year: an owner, an attacker who never gives up, and a clock that obeys the test.

Everything goes through the doors that a site uses: ``send_code`` and ``authenticate`` with a
request that has an address, a session and cookies, then Django's ``login`` and
``remember_browser``. Redis is a real one.
"""
