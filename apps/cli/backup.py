"""backup and restore of a home."""

from pathlib import Path
from typing import Annotated

import typer

from apps.cli import console
from apps.cli.console import explained, print_json, progress, say
from warehouse.settings import Settings

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]


@app.command()
def backup(target: Annotated[Path, typer.Argument(help="A new folder.")], json: Json = False) -> None:
    """Copies the whole home, consistent in itself, while it works; builds wait, decisions go on."""
    from apps.backup import backup as take

    settings = Settings()
    with explained(settings), progress(json) as told:
        made = take(settings, target.expanduser().resolve(), told)
    if json:
        print_json(
            {"target": str(target), "files": len(made.files), "events": made.chain_seq, "publish": made.publish_id}
        )
        return
    size = sum(file["bytes"] for file in made.files.values()) / 2**20
    say(f"{len(made.files):,} files, {size:,.0f} MiB, {made.chain_seq:,} events in {target}.", "green")
    say("It holds the private keys: keep it where only you can read it.")
    for one in made.elsewhere:
        say(f"Not in it: {one}.", "yellow")


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="A backup's folder.")], json: Json = False) -> None:
    """Restores a backup into the home, which must be empty, and verifies the audit chain."""
    from apps.backup import restore as put_back

    settings = Settings()
    with explained(settings), progress(json) as told:
        verdict = put_back(settings, source.expanduser().resolve(), told)
    if json:
        print_json({"home": str(settings.root), "whole": verdict.whole, "events": verdict.events})
    else:
        say(f"Restored into {settings.root}: {verdict.events:,} events, {verdict.anchors} anchors.")
    if not verdict.whole:
        say("The restored chain is not whole; `daybook audit verify` says where.", "red")
        raise typer.Exit(console.FAILED)
