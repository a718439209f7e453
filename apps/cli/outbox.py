"""outbox list, retry, work: what decisions send to the outside, and what could not be delivered."""

import contextlib
import threading
from typing import Annotated

import typer

from apps.cli import console
from apps.cli.console import explained, give_up, print_json, say, table
from warehouse.settings import Settings

app = typer.Typer()
outbox = typer.Typer(help="What decisions send to webhooks, mail and folders.", no_args_is_help=True)
app.add_typer(outbox, name="outbox")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]


@outbox.command("list")
def dead_letters(json: Json = False) -> None:
    """The dead letters: messages that no attempt delivered."""
    from apps.approvals.outbox import dead_letters as dead
    from apps.approvals.store import open_store, reading

    settings = Settings()
    with explained(settings), reading(open_store(settings)) as connection:
        found = [dict(row._mapping) for row in dead(connection)]
    if json:
        print_json(found)
        return
    columns = ["outbox_id", "destination", "kind", "subject_id", "attempts", "last_error"]
    table("Dead letters", columns, [[row[name] for name in columns] for row in found])


@outbox.command()
def retry(outbox_id: Annotated[str, typer.Argument(help="Of `daybook outbox list`.")]) -> None:
    """Puts a dead letter back for as many attempts again."""
    from apps.approvals import chain
    from apps.approvals.outbox import retry as put_back
    from apps.approvals.store import open_store, writing

    settings = Settings()
    with explained(settings), writing(open_store(settings)) as connection:
        done = put_back(connection, outbox_id, chain.Actor("operator", role="operator"), chain.now())
    if not done:
        raise give_up(f"There is no dead letter {outbox_id}. See `daybook outbox list`.", console.USAGE)
    say("It is tried again.")


@outbox.command()
def work() -> None:
    """Delivers messages as decisions fall, until stopped; `daybook up` and `daybook run --watch` do the same."""
    from apps.approvals.outbox import work as deliver

    settings = Settings()
    with explained(settings), contextlib.suppress(KeyboardInterrupt):
        deliver(settings, threading.Event())
