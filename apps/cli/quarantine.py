"""quarantine list, show, repair, approve, replay, rules: refused rows and their way back."""

import dataclasses
from typing import Annotated, Any

import typer

from apps.cli import console
from apps.cli.console import explained, give_up, print_json, say, table
from warehouse.settings import Settings

app = typer.Typer()
quarantine = typer.Typer(help="Rows that were refused, with their reasons, and their way back.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]
By = Annotated[str, typer.Option("--by", help="Your staff id; the policy decides whether you may.")]


@quarantine.command("list")
def listed(feed: Annotated[str | None, typer.Option()] = None, json: Json = False) -> None:
    """Refused rows: feed, file, row number, rules broken."""
    columns = "load_id, feed, path, row_number, array_to_string(rules, '; ') as rules, status"
    rows = _asked(
        f"select {columns} from raw.quarantine where ? is null or feed = ? order by load_id, row_number", [feed, feed]
    )
    if json:
        print_json(rows)
    else:
        table("Quarantine", ["load", "feed", "file", "row", "rules", "status"], [list(row.values()) for row in rows])


@quarantine.command()
def show(load_id: int, row_number: int, json: Json = False) -> None:
    """One refused row as it came, with every rule it broke."""
    rows = _asked("select * from raw.quarantine where load_id = ? and row_number = ?", [load_id, row_number])
    if not rows:
        raise give_up(f"Load {load_id} has no quarantined row {row_number}. `daybook quarantine list` shows them.")
    if json:
        print_json(rows)
    else:
        table("Quarantined row", ["field", "value"], [[name, value] for row in rows for name, value in row.items()])


@quarantine.command()
def repair(
    load_id: int,
    row_number: int,
    by: By,
    reason: Annotated[str, typer.Option(help="What was wrong and how you know what is right.")],
    change: Annotated[list[str], typer.Option("--set", help="COLUMN=VALUE; an empty value removes it. Repeatable.")],
    feed: Annotated[str | None, typer.Option(help="Where one source row stands for several feeds.")] = None,
    json: Json = False,
) -> None:
    """Proposes an edited row; somebody else approves it, and the next run loads it."""
    from apps import repairs
    from apps.approvals import chain
    from apps.approvals.desk import newest_reader
    from apps.approvals.people import UnknownPerson
    from apps.approvals.proposing import ProposalRefused, propose, recorded
    from apps.approvals.store import open_store
    from apps.pipeline import raw_connection
    from warehouse.slot import writer_slot

    changes = _changes(change)
    settings = Settings()
    with explained(settings):
        with writer_slot(settings, "quarantine repair"), raw_connection(settings) as connection:
            edited = repairs.edit(connection, load_id, row_number, changes, feed)
        if edited.broken:
            raise give_up(f"With these changes the row still breaks: {'; '.join(edited.broken)}. Nothing was proposed.")
        reader = newest_reader(settings)()
        try:
            stated, at = repairs.payload(edited, changes, reason), chain.now()
            subject = recorded(
                open_store(settings), by, at, lambda store: propose(store, reader, repairs.SUBJECT, by, stated, now=at)
            )
        except (ProposalRefused, UnknownPerson) as refused:
            raise give_up(str(refused)) from refused
    if json:
        print_json({"subject_id": subject.subject_id})
        return
    say(
        f"Proposed as {subject.subject_id}. Somebody else approves it: page Approvals, or `daybook quarantine approve`."
    )


@quarantine.command()
def approve(
    subject_id: Annotated[str, typer.Argument(help="As `repair` named it, such as 7:12.")],
    by: By,
    reason_code: Annotated[str, typer.Option()] = "repair_correct",
    note: Annotated[str | None, typer.Option(help="A text, where the reason needs one.")] = None,
    json: Json = False,
) -> None:
    """Approves a proposed repair under the policy, as the page does; the next run loads it."""
    from apps import repairs
    from apps.approvals import chain
    from apps.approvals.decisions import decide
    from apps.approvals.desk import open_desk
    from apps.approvals.orders import DONE, Order
    from apps.approvals.store import reading
    from apps.approvals.subject import NoSuchSubject, find

    settings = Settings()
    with explained(settings):
        desk = open_desk(settings)
        try:
            with reading(desk.engine) as store:
                seen = find(desk.reader(), store, repairs.SUBJECT, subject_id)
        except NoSuchSubject as unknown:
            raise give_up(str(unknown)) from unknown
        order = Order(
            action="approve",
            subject_type=repairs.SUBJECT,
            subject_id=subject_id,
            actor_id=by,
            key=chain.new_id(),
            seen=seen.shown(),
            facts_hash=seen.facts_hash,
            reason_code=reason_code,
            note=note,
        )
        answer = decide(desk, order)
    done = answer.status == DONE
    if json:
        print_json({"status": answer.status, "said": answer.said, "reasons": list(answer.reasons)})
    say(f"{answer.said} The next `daybook run` loads it." if done else answer.said, "" if done else "red")
    for reason in answer.reasons:
        say(f"  {reason}", "red")
    raise typer.Exit(console.DONE if done else console.FAILED)


@quarantine.command()
def replay(
    connector: Annotated[str | None, typer.Option(help="Only rows of this connector's files.")] = None,
    load: Annotated[int | None, typer.Option(help="Only rows of this load.")] = None,
    feed: Annotated[str | None, typer.Option()] = None,
    json: Json = False,
) -> None:
    """Loads approved repairs; then reads open rows again, after a mapping was corrected. What is good by now is loaded and linked."""
    from apps import repairs
    from apps.pipeline import raw_connection
    from ingestion.load import ingest
    from warehouse.slot import writer_slot

    settings = Settings()
    with explained(settings), writer_slot(settings, "quarantine replay"), raw_connection(settings) as connection:
        landed = repairs.land(settings, connection)
        if landed:
            ingest(connection, settings, landed)
        linked = repairs.link(settings, connection)
        outcomes = repairs.replay(settings, connection, connector=connector, load_id=load, feed=feed)
    if json:
        print_json({"repaired": linked, "replayed": [dataclasses.asdict(one) for one in outcomes]})
        return
    say(f"{linked} approved repairs were loaded.")
    rows = [[one.load_id, one.feed, one.tried, one.loaded, one.said] for one in outcomes]
    table("Read again", ["load", "feed", "rows tried", "loaded", "why not"], rows)


@quarantine.command()
def rules(json: Json = False) -> None:
    """How many rows broke which rule on which day, and how many of them are still open."""
    from apps import repairs
    from apps.pipeline import raw_connection
    from warehouse.slot import writer_slot

    settings = Settings()
    with explained(settings), writer_slot(settings, "quarantine rules"), raw_connection(settings) as connection:
        found = repairs.by_rule(connection)
    columns = ["day", "feed", "rule", "rows", "open"]
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in found])
    else:
        table("Rules that rows broke", columns, found)


def _changes(given: list[str]) -> dict[str, str | None]:
    from apps import repairs
    from warehouse.engine import WarehouseError

    try:
        return repairs.changes_of(given)
    except WarehouseError as error:
        raise give_up(f"--set: {error}", console.USAGE) from error


def _asked(query: str, parameters: list[Any]) -> list[dict[str, Any]]:
    from apps.pipeline import raw_connection
    from warehouse.slot import writer_slot

    settings = Settings()
    with explained(settings), writer_slot(settings, "quarantine list"), raw_connection(settings) as connection:
        cursor = connection.execute(query, parameters)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
