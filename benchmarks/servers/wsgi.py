"""The WSGI application: drained, or as Django makes it."""

import os

from django.core.wsgi import get_wsgi_application

from swap_user.wsgi import drained

application = get_wsgi_application()
if os.environ.get("SERVERS_DRAINED") != "no":
    application = drained(application, seconds=float(os.environ["SERVERS_SECONDS"]))
