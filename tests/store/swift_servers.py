"""Starts OpenStack Swift with its S3 interface on this machine, of one disk and one copy: HOME and five ports.

A program for the distribution's Python, which has Swift (package ``python3-swift``): the servers for accounts,
containers and objects, the proxy that speaks S3, and the memcached in which the proxy's sign-in keeps what it knows.
This process becomes that one, and is the parent of the others. Nothing outlives HOME.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import Final

from swift.common import utils

utils.eventlet_monkey_patch()  # first and once: it looks at every object that there is

import swift.account.server
import swift.container.server
import swift.obj.server
import swift.proxy.server  # noqa: F401 - all four once, before the processes part
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi

# Time is what a busy machine lacks: no server gives up another one.
_COMMON: Final = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {home}
devices = {home}
mount_check = false
fallocate_reserve = 0
log_address = {home}/no-log
node_timeout = 60
conn_timeout = 60
container_update_timeout = 60
"""
_STORAGE: Final = """
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""
_PROXY: Final = """
[pipeline:main]
pipeline = cache s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache}
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_newsroom_test = secret .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
"""
_STORES: Final = ("account", "container", "object")


def main(home: str, proxy: str, cache: str, *ports: str) -> None:
    """Write the settings, start the servers, and become the last of them."""
    folder, user = Path(home), pwd.getpwuid(os.geteuid()).pw_name
    (folder / "disk").mkdir()
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = s\n[storage-policy:0]\nname = one\n")
    utils.set_swift_dir(home)

    def settings(name: str, port: str, rest: str) -> None:
        text = (_COMMON + rest).format(name=name, port=port, user=user, home=home, cache=cache)
        (folder / f"{name}.conf").write_text(text)

    for name, port in zip(_STORES, ports, strict=True):
        ring = RingBuilder(1, 1, 0)  # two partitions, one copy
        where = {"ip": "127.0.0.1", "port": int(port), "device": "disk"}
        ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, **where})
        ring.rebalance()
        ring.get_ring().save(f"{home}/{name}.ring.gz")
        settings(name, port, _STORAGE)
    settings("proxy", proxy, _PROXY)
    for name in (*_STORES, "proxy"):
        if os.fork() == 0:
            sys.exit(run_wsgi(f"{home}/{name}.conf", f"{name}-server"))
    os.execlp("memcached", "memcached", "-l", "127.0.0.1", "-p", cache, "-U", "0", "-m", "16", "-u", user)


if __name__ == "__main__":
    main(*sys.argv[1:])
