"""audit verify, export, anchor: the hash chain of operational events."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from apps.cli import console
from apps.cli.console import explained, print_json, table, words
from warehouse.settings import Settings

app = typer.Typer()
audit = typer.Typer(help="The hash chain of operational events and its signed anchors.", no_args_is_help=True)
app.add_typer(audit, name="audit")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]


@audit.command()
def verify(
    anchors: Annotated[
        Path | None, typer.Option(help="Anchors kept elsewhere; without, those of this home.", file_okay=False)
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="Of the signing key, kept elsewhere: anchors of any other key do not count.")
    ] = None,
    json: Json = False,
) -> None:
    """Walks the whole chain: exit 0 when it is whole, 1 when something was changed, naming which event."""
    from apps.approvals.anchors import trail
    from apps.approvals.store import open_store
    from apps.approvals.verify import verify as walk

    settings = Settings()
    if anchors is not None and not anchors.is_dir():
        words.print(f"[red]There is no folder {anchors}. `daybook audit verify` alone takes the home's own anchors.")
        raise typer.Exit(console.USAGE)
    with explained(settings):
        verdict = walk(open_store(settings), trail(anchors or settings.anchors, fingerprint))
    if json:
        print_json({"whole": verdict.whole, **dataclasses.asdict(verdict)})
    elif verdict.whole:
        words.print(f"[green]Whole: {verdict.events:,} events, {verdict.anchors} anchors, {verdict.seconds:.1f} s.")
        keys = ", ".join(verdict.fingerprints) or "none yet"
        words.print(
            f"Keys of the anchors: {keys}. Compare with the fingerprint you keep elsewhere, or give --fingerprint."
        )
    else:
        rows: list[list[object]] = [[fault.kind, fault.seq, fault.said] for fault in verdict.faults]
        table(f"Broken: {verdict.fault_count} faults in {verdict.events:,} events", ["kind", "event", "what"], rows)
        words.print("[red]The chain is not what was written. Keep this home as it is, and compare it with a backup.")
    if not verdict.whole:
        raise typer.Exit(console.FAILED)


@audit.command()
def export(
    since: Annotated[int, typer.Option(help="The first event's number.")] = 1,
    out: Annotated[Path | None, typer.Option(help="A file; without, standard output.", dir_okay=False)] = None,
) -> None:
    """Writes the events as JSON lines: seq, prev_hash, hash and the body exactly as it was sealed."""
    from apps.approvals.export import write_events
    from apps.approvals.store import open_store

    settings = Settings()
    with explained(settings):
        written = write_events(open_store(settings), out, since)
    words.print(f"{written:,} events.")


@audit.command()
def anchor(json: Json = False) -> None:
    """Signs the chain's head into today's anchor file, as each publish does."""
    from apps.approvals.anchors import anchor as sign

    settings = Settings()
    with explained(settings):
        made = sign(settings)
    if json:
        print_json(made)
    else:
        words.print(f"Anchor {made.number} at event {made.seq} in {settings.anchors}, key {made.fingerprint}.")
