"""The command line: one module per group of commands, imported only when its command is called.

Rules: an error is one line on stderr and the exit status of the error tree, never a traceback; a command that a script
would read has ``--json``; no command leaves a core dump; the intake's command must not load a module that knows private
keys, which is why commands are imported lazily.
"""

from __future__ import annotations

import errno
import importlib
import os
from pathlib import Path
from typing import Final

import click
from typing_extensions import override

from fieldreport import config, hardening
from fieldreport.errors import FieldreportError, StoreError

# Command name → the module that holds it; the function is named after the command, with `_command` at the end.
_COMMANDS: Final = {
    "article": "article",
    "audit": "audit",
    "backup": "backup",
    "bench": "bench",
    "collect": "collect",
    "demo": "demo",
    "desk": "zones",
    "doctor": "doctor",
    "evidence": "evidence",
    "init": "init",
    "intake": "zones",
    "keys": "keys",
    "letterbox": "letterbox",
    "link": "link",
    "metrics": "metrics",
    "migrate": "migrate",
    "notice": "notice",
    "open": "open_",
    "pack": "pack",
    "press": "zones",
    "purge": "purge",
    "recover": "recover",
    "restore": "restore",
    "roster": "roster",
    "scrub": "scrub",
    "settings": "settings",
    "split": "split",
    "staff": "staff",
    "up": "zones",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is named, and turns our errors into one line."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"fieldreport.cli.{_COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name}_command")
        if not isinstance(command, click.Command):  # pragma: no cover - a programming error, seen by the first test
            raise TypeError(cmd_name)
        return command

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FieldreportError as error:
            click.echo(f"fieldreport: {error.detail}", err=True)
            ctx.exit(error.exit_status)
        except OSError as error:
            if error.errno == errno.EPIPE:  # who reads our output has enough: click's to say
                raise
            click.echo(f"fieldreport: {error.filename}: {error.strerror}", err=True)
            ctx.exit(StoreError.exit_status)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - a traceback quotes what was being worked on
            from fieldreport.web.fault_log import describe

            click.echo(f"fieldreport: this is a fault of the program: {describe(error)}", err=True)
            ctx.exit(FieldreportError.exit_status)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("fieldreport.toml"),
    envvar="FIELDREPORT_SETTINGS",
    show_default=True,
    help="The settings file of the installation.",
)
@click.version_option(package_name="fieldreport")
@click.pass_context
def main(context: click.Context, settings_path: Path) -> None:
    """A newsroom's letterbox, reading room and press for sources who cannot give their names."""
    hardening.harden_process()
    context.obj = settings_path


def load_settings(context: click.Context) -> config.Settings:
    """Settings of the installation this command works on.

    Raises:
        SettingsError: as ``config.load``.
    """
    path = context.find_object(Path)
    if path is None:  # pragma: no cover - every command is reached through main
        raise TypeError("no settings path")
    return config.load(path, os.environ)
