"""A real WordPress of the distribution, with a database of its own, for as long as a test takes."""

from __future__ import annotations

import contextlib
import getpass
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.eventually import answers, eventually

PROGRAM: Final = Path("/usr/share/wordpress")
NEEDED: Final = ("php", "mariadbd", "mariadb", "mariadb-install-db")

_CONFIG: Final = """<?php
define('DB_NAME', 'press'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
define('WP_ENVIRONMENT_TYPE', 'local'); // application passwords without TLS
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true); define('WP_DEBUG', false);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
_INSTALL: Final = """<?php
define('WP_INSTALLING', true); define('WP_SITEURL', '{address}');
$_SERVER['HTTP_HOST'] = '{host}'; $_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
require '{site}/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
function wp_mail() {{ return true; }}
wp_install('Trial', 'desk', 'desk@example.org', true, '', 'a-long-passphrase');
echo WP_Application_Passwords::create_new_application_password(1, ['name' => 'fieldreport'])[0];
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPressServer:
    """``address``: where the site begins. ``credentials``: an administrator and their application password."""

    address: str
    credentials: str


@contextmanager
def wordpress(folder: Path) -> Iterator[WordPressServer]:
    """Install one below ``folder`` and serve it on this machine."""
    site, data, line = folder / "site", folder / "database", folder / "line"
    shutil.copytree(PROGRAM, site, ignore=shutil.ignore_patterns("wp-config.php", ".htaccess"))
    (site / "wp-config.php").write_text(_CONFIG.format(socket=line))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    me = getpass.getuser()
    own = ("--no-defaults", f"--user={me}", f"--datadir={data}")
    subprocess.run(
        ("mariadb-install-db", *own, "--auth-root-authentication-method=normal", "--skip-test-db"),
        check=True,
        capture_output=True,
    )
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(_running("mariadbd", *own, f"--socket={line}", "--skip-networking"))
        ask = ("mariadb", "--no-defaults", "-u", "root", "-S", str(line), "-e")

        def made() -> bool:
            assert database.poll() is None, "the database ended before it answered"
            done = subprocess.run((*ask, "CREATE DATABASE press"), check=False, capture_output=True)
            return done.returncode == 0

        eventually(made)
        script = folder / "install.php"
        script.write_text(_INSTALL.format(address=f"http://{host}", host=host, site=site))
        password = subprocess.run(("php", script), check=True, capture_output=True, text=True).stdout
        server = stack.enter_context(_running("php", "-S", host, "-t", str(site)))
        eventually(lambda: answers(f"http://{host}/", server))
        yield WordPressServer(address=f"http://{host}/", credentials=f"desk:{password}")


@contextmanager
def _running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
