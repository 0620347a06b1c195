"""
A state machine: logins, and all that can happen to them, in any order.

``STATE_MACHINE_STEPS`` is how many steps are made in all, 1,000 by default. At the end pytest says
how many there really were.
"""
