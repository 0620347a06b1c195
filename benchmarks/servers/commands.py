"""How each server is started. PORT stands for the port."""

import sys
from collections.abc import Mapping, Sequence

ASGI = "benchmarks.servers.asgi:application"
WSGI = "benchmarks.servers.wsgi:application"


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _gunicorn(*arguments: str) -> tuple[str, ...]:
    return _python("gunicorn", "--bind", "127.0.0.1:PORT", *arguments)


def _uvicorn(*arguments: str) -> tuple[str, ...]:
    return _python("uvicorn", "--port", "PORT", "--no-access-log", *arguments, ASGI)


def _hypercorn(*arguments: str) -> tuple[str, ...]:
    return _python("hypercorn", "--bind", "127.0.0.1:PORT", *arguments)


def _granian(interface: str, application: str, *arguments: str) -> tuple[str, ...]:
    granian = _python("granian", "--port", "PORT", "--no-ws", "--interface", interface)
    return (*granian, *arguments, application)


UVICORN_WORKER = ("--worker-class", "uvicorn_worker.UvicornWorker")
GEVENT = ("--worker-class", "gevent", "--config", "python:benchmarks.servers.gunicorn_gevent")

SERVERS: Mapping[str, Sequence[str]] = {
    "uvicorn": _uvicorn(),
    "uvicorn --workers 2": _uvicorn("--workers", "2"),
    "gunicorn, UvicornWorker": _gunicorn(*UVICORN_WORKER, ASGI),
    "gunicorn, UvicornWorker, --preload": _gunicorn(*UVICORN_WORKER, "--preload", ASGI),
    "gunicorn, asgi": _gunicorn("--worker-class", "asgi", ASGI),
    "gunicorn, sync": _gunicorn("--workers", "2", WSGI),
    "gunicorn, sync, --preload": _gunicorn("--workers", "2", "--preload", WSGI),
    "gunicorn, gthread": _gunicorn("--threads", "8", WSGI),
    "gunicorn, gthread, --preload": _gunicorn("--threads", "8", "--preload", WSGI),
    "gunicorn, gevent": _gunicorn("--worker-class", "gevent", WSGI),
    "gunicorn, gevent, --preload": _gunicorn(*GEVENT, "--preload", WSGI),
    "waitress": _python("waitress", "--listen", "127.0.0.1:PORT", WSGI),
    "granian, asgi": _granian("asgi", ASGI),
    "granian, asgi, --workers 2": _granian("asgi", ASGI, "--workers", "2"),
    "granian, wsgi": _granian("wsgi", WSGI),
    "hypercorn": _hypercorn(ASGI),
    "hypercorn --workers 2": _hypercorn("--workers", "2", ASGI),
    "hypercorn, WSGI": _hypercorn(f"wsgi:{WSGI}"),
    "daphne": _python("daphne", "--port", "PORT", ASGI),
    "runserver": _python("django", "runserver", "PORT"),
    "runserver --noreload": _python("django", "runserver", "--noreload", "PORT"),
    "daphne runserver": _python("django", "runserver", "--noreload", "PORT"),
}
