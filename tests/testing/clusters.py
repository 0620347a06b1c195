"""A Redis cluster with one node, and a cache of a project that uses it."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException

from services.redis import find_binary, free_port
from services.supervised import SupervisedProcess

SLOTS = 16384


class ClusterClient(RedisCacheClient):
    """Asks the cluster, not one node."""

    def get_client(self, key: object = None, *, write: bool = False) -> Any:
        return RedisCluster.from_url(self._servers[0])


class ClusterCache(RedisCache):
    """A cache of a project."""

    def __init__(self, server: Any, params: Any) -> None:
        super().__init__(server, params)
        self._class = ClusterClient


@contextlib.contextmanager
def cluster_of_one() -> Iterator[int]:
    """Start a node that holds all slots, and yield its port."""
    folder = Path(tempfile.mkdtemp(prefix="swap-user-cluster-"))
    port = free_port()
    argv = [find_binary(os.environ.get("REDIS_SERVER", "")), "--dir", folder, "--save", ""]
    argv += ["--bind", "127.0.0.1", "--port", str(port), "--cluster-port", str(free_port())]
    argv += ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]
    server = SupervisedProcess(argv, log=folder / "log", remove=folder)
    try:
        node = redis.Redis(port=port)
        _until(lambda: node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1))
        _until(lambda: RedisCluster(host="127.0.0.1", port=port).set("x", "y"))
        node.flushall()
        yield port
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _until(step: Callable[[], object]) -> None:
    """Try until it succeeds, for ten seconds."""
    for _ in range(200):
        with contextlib.suppress(redis.RedisError, RedisClusterException):
            step()
            return
        time.sleep(0.05)
    pytest.fail("no cluster")
