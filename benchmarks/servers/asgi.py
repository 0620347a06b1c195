"""The ASGI application: drained, or as Django makes it."""

import os

from django.core.asgi import get_asgi_application

from swap_user.asgi import drained

application = get_asgi_application()
if os.environ.get("SERVERS_DRAINED") != "no":
    application = drained(application, seconds=float(os.environ["SERVERS_SECONDS"]))
