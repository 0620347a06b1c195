"""
The pages on which users manage their own sign-in methods.

They do not depend on the admin site, which passes its templates and its URL names.
"""
