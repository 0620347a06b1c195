"""Configuration of gunicorn: with --preload, gevent must replace the locks before Django loads."""

from gevent import monkey

monkey.patch_all()
