"""audit verify, export, anchor: the hash chain of operational events."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from apps.cli import console
from apps.cli.console import explained, give_up, print_json, say, table, utc_moment
from warehouse.settings import Settings
from warehouse.whole_file import whole_file

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
        raise give_up(
            f"There is no folder {anchors}. `daybook audit verify` alone takes the home's own anchors.", console.USAGE
        )
    with explained(settings):
        verdict = walk(open_store(settings), trail(anchors or settings.anchors, fingerprint))
    if json:
        print_json({"whole": verdict.whole, **dataclasses.asdict(verdict)})
    elif verdict.whole:
        say(f"Whole: {verdict.events:,} events, {verdict.anchors} anchors, {verdict.seconds:.1f} s.", "green")
        keys = ", ".join(verdict.fingerprints) or "none yet"
        say(f"Keys of the anchors: {keys}. Compare with the fingerprint you keep elsewhere, or give --fingerprint.")
    else:
        rows: list[list[object]] = [[fault.kind, fault.seq, fault.said] for fault in verdict.faults]
        table(f"Broken: {verdict.fault_count} faults in {verdict.events:,} events", ["kind", "event", "what"], rows)
        say("The chain is not what was written. Keep this home as it is, and compare it with a backup.", "red")
    if not verdict.whole:
        raise typer.Exit(console.FAILED)


@audit.command()
def export(
    since: Annotated[int, typer.Option(help="The first event's number.")] = 1,
    out: Annotated[Path | None, typer.Option(help="A file; without, standard output.", dir_okay=False)] = None,
    request: Annotated[
        str | None, typer.Option(help="A regulator's request instead: R2 to R10, to .xlsx or .zip.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="The client the request is about.")] = None,
    entity: Annotated[str | None, typer.Option(help="One legal entity; without, all.")] = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", parser=utc_moment, metavar="TS", help="The first moment (UTC).")
    ] = None,
    to: Annotated[
        datetime | None, typer.Option(parser=utc_moment, metavar="TS", help="Up to this moment, without it (UTC).")
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(parser=utc_moment, metavar="TS", help="The day of a state (UTC).")
    ] = None,
    role: Annotated[str, typer.Option(help="Seen with this role's eyes; R10 is for mlro alone.")] = "operator",
    json: Json = False,
) -> None:
    """Writes the events as JSON lines (seq, prev_hash, hash and the body exactly as it was sealed), or answers a regulator's request."""
    from apps.approvals.export import write_events
    from apps.approvals.store import open_store

    settings = Settings()
    if request is None:
        with explained(settings):
            written = write_events(open_store(settings), out, since)
        say(f"{written:,} events.")
        return
    if out is None or out.suffix not in (".xlsx", ".zip"):
        raise give_up("A request is written to a file: --out NAME.xlsx (a workbook) or NAME.zip (CSV).", console.USAGE)
    given = {"client_id": client, "entity": entity, "from": from_, "until": to, "at": at}
    said = _respond(settings, request, given, role, out)
    if json:
        print_json(said)
    else:
        say(f"{out}: {said['title']}, {said['rows']:,} rows, SHA-256 of the rows {said['rows_sha256']}.", "green")


def _respond(settings: Settings, name: str, given: dict[str, object], role: str, out: Path) -> dict[str, object]:
    """Writes the answer to a request and the event that it was given; gives what was written."""
    from apps.access import journal
    from apps.approvals.chain import Actor, Event
    from apps.dossier.requests import RequestRefused, respond
    from apps.export import as_csv, as_xlsx
    from warehouse.reader import Reader

    with explained(settings):
        try:
            found = respond(Reader(settings, role=role), name, given, "operator")
        except RequestRefused as error:
            raise give_up(str(error), console.USAGE) from error
        manifest = found.manifest
        said = {
            "path": str(out), "request": found.request.name, "title": manifest.title, "rows": found.rows.height, "rows_sha256": found.sha256,
            "publish_id": manifest.publish_id, "role": role, "filters": manifest.filters, "not_carried": found.request.not_carried,
        }  # fmt: skip
        after = {key: value for key, value in said.items() if key != "path"} | {"file": out.name}
        actor = Actor("operator", role="operator")
        journal.record_now(
            settings, Event("request.exported", actor, "request", found.request.name, stream="access", after=after)
        )
        data = as_xlsx(found.rows, manifest) if out.suffix == ".xlsx" else as_csv(found.rows, manifest, out.stem)
        with whole_file(out) as part:
            part.write_bytes(data)
    return said


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
        say(f"Anchor {made.number} at event {made.seq} in {settings.anchors}, key {made.fingerprint}.")
