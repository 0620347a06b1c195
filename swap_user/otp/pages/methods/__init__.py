"""
The pages on which users look after their own sign-in methods.

Like the pages of the login they know nothing of the admin, which passes them its templates and
its addresses.
"""
