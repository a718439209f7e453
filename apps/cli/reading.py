"""sql, dossier, publish: what answers questions."""

import dataclasses
import json as jsonlib
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.cli import console
from apps.cli.console import explained, give_up, print_json, say, table, utc_moment
from warehouse.settings import Settings
from warehouse.whole_file import whole_file

app = typer.Typer()
publish = typer.Typer(help="What readers see.", no_args_is_help=True)
app.add_typer(publish, name="publish")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]
FORMATS = ("table", "json", "csv", "parquet")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One select over schema.mart.")],
    as_of_publish: Annotated[
        int | None, typer.Option(help="Ask an earlier publish: what did the page say that day.")
    ] = None,
    format: Annotated[str, typer.Option(help="table, json, csv or parquet.")] = "table",
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Read-only query against the published warehouse."""
    import duckdb

    from warehouse.reader import Reader

    format = "json" if json else format
    if format not in FORMATS:
        raise give_up(f"--format takes {', '.join(FORMATS)}; not {format!r}.", console.USAGE)
    settings = Settings()
    with explained(settings):
        reader = Reader(settings, publish_id=as_of_publish)
        try:
            cursor = reader.relation(query)
            _write(cursor, format)
        except duckdb.Error as error:
            raise give_up(str(error)) from error


def _write(cursor: Any, format: str) -> None:
    if format == "parquet":
        cursor.pl().write_parquet(sys.stdout.buffer)
        return
    names = _apart([column[0] for column in cursor.description])
    if format == "json":
        sys.stdout.write("[")
        separator = ""
        while rows := cursor.fetchmany(10_000):
            for row in rows:
                one = {name: console.finite(cell) for name, cell in zip(names, row, strict=True)}
                sys.stdout.write(separator + jsonlib.dumps(one, default=console.plain, ensure_ascii=False))
                separator = ",\n"
        sys.stdout.write("]\n")
    elif format == "csv":
        import csv

        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        while rows := cursor.fetchmany(10_000):
            writer.writerows([["" if cell is None else console.plain(cell) for cell in row] for row in rows])
    else:
        rows = cursor.fetchmany(1001)
        table("", names, [[None if cell is None else console.plain(cell) for cell in row] for row in rows[:1000]])
        if len(rows) > 1000:
            say("The first 1 000 rows; --format csv gives all.", "yellow")


def _apart(names: list[str]) -> list[str]:
    """The names of columns, none twice: a second `a` is `a_1`, as in a Parquet file of the same answer."""
    apart: list[str] = []
    for name in names:
        while name in apart:
            name += "_1"
        apart.append(name)
    return apart


@app.command()
def dossier(
    subject: Annotated[
        str,
        typer.Argument(
            help="withdrawal, deposit, transfer, payout, kyc_case, alert, parameter_change, client or deal."
        ),
    ],
    id: Annotated[
        str, typer.Argument(help="Its id; a deal's is platform:deal_id, an identification case's the client's.")
    ],
    as_of: Annotated[
        datetime | None, typer.Option(parser=utc_moment, metavar="TS", help="As it was at this moment (UTC).")
    ] = None,
    known_at: Annotated[
        datetime | None, typer.Option(parser=utc_moment, metavar="TS", help="As it was known at this moment (UTC).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Writes the evidence pack, a ZIP that a regulator verifies alone.", dir_okay=False),
    ] = None,
    json: Json = False,
) -> None:
    """Who approved this, which checks ran before, and what the client's status was at the time."""
    from apps.approvals.chain import Actor
    from apps.dossier import SUBJECTS, DossierNotFound, render
    from apps.dossier import dossier as answer
    from apps.evidence import evidence_pack
    from apps.evidence.pack import record_asking
    from warehouse.reader import Reader

    if subject not in SUBJECTS:
        raise give_up(f"There is no dossier of a {subject}; there is one of: {', '.join(SUBJECTS)}.", console.USAGE)
    settings, operator = Settings(), Actor("operator", role="operator")
    asked = {"as_of": as_of, "known_at": known_at}
    with explained(settings):
        reader = Reader(settings, threads=1)
        try:
            if out is not None:
                pack = evidence_pack(settings, reader, subject, id, actor=operator, **asked)
                with whole_file(out) as part:
                    part.write_bytes(pack.data)
                found = {
                    "path": str(out), "sha256": pack.sha256, "files": pack.files, "bytes": len(pack.data),
                    "fingerprint": pack.fingerprint, "publish_id": reader.publish.publish_id,
                }  # fmt: skip
            else:
                found = answer(reader, subject, id, **asked)
                record_asking(settings, operator, subject, id, {**asked, "publish_id": reader.publish.publish_id})
        except DossierNotFound as error:
            record_asking(settings, operator, subject, id, {**asked, "found": False})
            raise give_up(str(error), nearest=error.nearest) from error
    if json:
        print_json(found)
    elif out is not None:
        say(f"{out}: {found['files']} files, {found['bytes']:,} bytes, SHA-256 {found['sha256']}.", "green")
        say(f"Key: {found['fingerprint']}. Give it to the reader by another way than the pack; then they run")
        say(f"python3 -I -S verify.py {out.name} {found['fingerprint']}")
    else:
        console.out.print(render(found))


@publish.command("list")
def publish_list(json: Json = False) -> None:
    """Every publish kept, newest first; the one readers see is marked."""
    from warehouse import lake

    settings = Settings()
    with explained(settings):
        kept = lake.publishes(settings)
        seen = lake.current(settings).publish_id if kept else None
    rows = [{**dataclasses.asdict(one), "current": one.publish_id == seen} for one in kept]
    if json:
        print_json(rows)
    else:
        shown = [
            [
                one["publish_id"],
                "←" if one["current"] else "",
                f"{one['published_at']:%Y-%m-%d %H:%M:%S}",
                one["run_id"],
                f"{one['loaded_at']:%Y-%m-%d %H:%M:%S}" if one["loaded_at"] else None,
                ", ".join(f"{count} {status}" for status, count in sorted(one["checks"].items())),
            ]
            for one in rows
        ]
        table("Publishes", ["publish", "seen", "published at (UTC)", "run", "loaded at", "checks"], shown)


@publish.command("show")
def publish_show(publish_id: int, json: Json = False) -> None:
    """One publish with the counts and control totals both sides agreed on."""
    from warehouse import lake

    settings = Settings()
    with explained(settings):
        found = next((one for one in lake.publishes(settings) if one.publish_id == publish_id), None)
    if found is None:
        raise give_up(f"There is no publish {publish_id}. `daybook publish list` shows those that are kept.")
    if json:
        print_json(found)
    else:
        rows = [
            [name, totals.pop("rows"), ", ".join(f"{k} {v}" for k, v in totals.items())]
            for name, totals in found.tables.items()
        ]
        table(f"Publish {publish_id} of run {found.run_id}", ["mart", "rows", "control totals"], rows)


@publish.command("rollback")
def publish_rollback(publish_id: int, json: Json = False) -> None:
    """Points readers at an earlier publish until the next one."""
    from warehouse import lake
    from warehouse.slot import writer_slot

    settings = Settings()
    with explained(settings), writer_slot(settings, "publish rollback"):
        found = lake.rollback(settings, publish_id)
    if json:
        print_json(found)
    else:
        say(f"Readers now see publish {found.publish_id} of {found.published_at}. The next publish ends this.")
