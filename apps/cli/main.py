"""The `daybook` command. Exit codes: 0 done (also with quarantined rows or refused files), 1 red or failed, 2 wrong usage,
3 another writer holds the warehouse."""

import sys

import typer

app = typer.Typer(
    name="daybook",
    help="The broker's warehouse: feeds in, ledger, commissions and audit out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


def main() -> None:
    """Entry point: refuses an unsupported Python with the sentence that mends it, then runs the command."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        sys.exit(
            f"Daybook needs Python 3.11 to 3.13; this is {sys.version.split()[0]}. Run `make setup PYTHON=python3.11`."
        )
    from apps.cli import (  # each adds its commands to `app`
        audit,
        backup,
        bench,
        commissions,
        first_run,
        metrics,
        outbox,
        pipeline,
        quarantine,
        reading,
        rules,
        scaffold,
        serving,
    )

    for module in (
        pipeline,
        reading,
        quarantine,
        audit,
        backup,
        outbox,
        metrics,
        serving,
        first_run,
        bench,
        commissions,
        rules,
        scaffold,
    ):
        app.registered_commands += module.app.registered_commands
        app.registered_groups += module.app.registered_groups
    _settings_or_exit()
    sys.exit(_run())


def _run() -> int:
    """Runs the command and gives its exit code; arguments that cannot be are refused as every other failure is."""
    from typer.exceptions import TyperException

    from apps.cli.console import USAGE, give_up, say

    try:
        ended = app(standalone_mode=False)
    except TyperException as error:
        said = error.format_message().strip()
        if not said:  # a group without its command has shown its help
            return USAGE
        hint = "`daybook --help` lists the commands, `daybook COMMAND --help` what each takes."
        return give_up(f"{said.removesuffix('.')}. {hint}", USAGE).exit_code
    except typer.Abort:
        say("Stopped.", "yellow")
        return 130
    return ended if isinstance(ended, int) else 0


def _settings_or_exit() -> None:
    """Says which setting is wrong, and ends with the code of wrong usage; no value is shown, it may be a secret."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from apps.cli.console import USAGE, give_up
    from warehouse.settings import PREFIX, Settings

    try:
        Settings()
    except ValidationError as error:
        wrong = [(str(one["loc"][0]), one["msg"]) for one in error.errors()]
        said = "; ".join(
            f"{PREFIX}{name.upper()}: {what} ({Settings.model_fields[name].description or 'see .env.example'})"
            for name, what in wrong
        )
    except SettingsError as error:
        said = f"{error}; its value must be JSON"
    else:
        return
    ended = give_up(f"A setting cannot be: {said}. Correct it in the environment or in `.env`.", USAGE)
    sys.exit(ended.exit_code)
