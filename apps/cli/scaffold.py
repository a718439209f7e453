"""new: a connector by YAML with its test and its page of documentation, to be filled in; the other parts stand in new_parts."""

import csv
import re
from pathlib import Path
from typing import Annotated

import typer

from apps.cli import console, new_parts
from apps.cli.console import give_up, say
from warehouse.settings import PROJECT

app = typer.Typer()
new = typer.Typer(help="Scaffolds: the files of a new part, with its test and documentation.", no_args_is_help=True)
app.add_typer(new, name="new")
new.command("model")(new_parts.model)
new.command("page")(new_parts.page)
new.command("rule")(new_parts.rule)

# Canonical column -> what a source column of that meaning is called; the first that fits is proposed.
MEANINGS: dict[str, str] = {
    "event_id": r"(event|transaction|payment|reference|txn|order)?[ _.-]*(id|number|reference|ref)",
    "kind": r"(transaction[ _.-]*)?(type|kind|category)",
    "status": r".*status.*|state",
    "currency": r".*currency.*|ccy",
    "amount": r"gross.*|.*amount.*|net.*|total|value",
    "fee_amount": r".*fee.*|commission",
    "client_reference": r".*(merchant|client|order|invoice).*(ref|id|number).*",
    "occurred_at": r".*(date|time|created|processed).*",
}
YAML = """# {title}: say here what one line is, in which units and zone its amounts and times are, and what its sign means.
name: {name}
feed: psp_transactions
description: {title}
# never confirmed on a real file: every load says so until this line goes
unconfirmed: true
delimiter: '{delimiter}'
recognise: [{recognise}]
columns:
  psp: {{constant: {name}}}
  event_id: {event_id}
  kind: {kind}
  status: {status}
  currency: {currency}
  amount: {amount}
{optional}  occurred_at: {occurred_at}
# Columns that no rule reads are kept beside the row:
{columns}"""
TEST = '''"""{title}: a synthetic file, since no real one may lie in the project."""

from pathlib import Path

from ingestion.connectors import connectors
from ingestion.feeds import FEEDS
from ingestion.judge import judge

SYNTHETIC = """{line}"""


def test_{name}_maps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.csv"
    path.write_text(SYNTHETIC)
    (batch,) = connectors()["{name}"].read(path)
    judged = judge(FEEDS[batch.feed], batch)
    assert judged.rows_read == 1
    assert [bad.rules for bad in judged.bad] == []
'''
PAGE = """# {title}

`ingestion/connectors/{name}.yml` reads it. Say here where the file is fetched, how often, who may, and what its traps are.

Try it: `daybook ingest --connector {name} --dry-run FILE` shows mapped rows, totals and refused rows, and writes nothing.
"""


@new.command("connector")
def connector(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores.")],
    sample: Annotated[Path | None, typer.Option(help="A CSV of the system: its header proposes the mapping.")] = None,
    project: Annotated[Path, typer.Option(help="The project's folder.")] = PROJECT,
) -> None:
    """A connector by YAML, its test, its page of documentation; nothing that exists is overwritten."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise give_up(
            f"A connector's name is lower-case letters, digits and underscores, like acme_settlement; not {name!r}.",
            console.USAGE,
        )
    if sample is not None and not sample.is_file():
        raise give_up(f"There is no file {sample}. Check the path.", console.USAGE)
    new_parts.write(_files(name, sample), project)
    say(f"Next: complete the mapping, then `daybook ingest --connector {name} --dry-run FILE`.")


def _files(name: str, sample: Path | None) -> dict[str, str]:
    """Place in the project -> text."""
    delimiter, header, line = (
        _header(sample) if sample else (",", ["Id", "Type", "Status", "Currency", "Amount", "Created"], [])
    )
    title = name.replace("_", " ").capitalize()
    named = {column: _column(pattern, header) for column, pattern in MEANINGS.items()}
    given = {
        "event_id": _quoted(named["event_id"] or header[0]),
        "kind": _mapped(named["kind"], header, line, "deposit"),
        "status": _mapped(named["status"], header, line, "completed"),
        "currency": _quoted(named["currency"]) if named["currency"] else "{constant: USD}",
        "amount": f"{{from: {_quoted(named['amount'] or header[0])}, units: major, sign: absolute}}",
        "occurred_at": f"{{from: {_quoted(named['occurred_at'] or header[0])}, time_zone: UTC}}",
    }
    optional = ""
    if named["fee_amount"]:
        optional += f"  fee_amount: {{from: {_quoted(named['fee_amount'])}, sign: as_is}}\n"
    if named["client_reference"]:
        optional += f"  client_reference: {_quoted(named['client_reference'])}\n"
    recognise = ", ".join(_quoted(column) for column in header[: max(2, min(4, len(header)))])
    columns = "".join(f"#   {column}\n" for column in header)
    synthetic = {
        "event_id": "S-1",
        "currency": "USD",
        "amount": "12.34",
        "occurred_at": "2026-01-02 03:04:05",
        "fee_amount": "0.10",
    }
    by_column = {named[column]: text for column, text in synthetic.items() if named[column]}
    words_of = {named["kind"]: "payment", named["status"]: "done"}
    row = [by_column.get(column) or words_of.get(column) or "" for column in header]
    csv_text = f"{delimiter.join(header)}\n{delimiter.join(row)}\n"
    return {
        f"ingestion/connectors/{name}.yml": YAML.format(
            **given,
            name=name,
            title=title,
            delimiter=delimiter,
            recognise=recognise,
            optional=optional,
            columns=columns,
        ),
        f"tests/ingestion/connectors/test_{name}.py": TEST.format(name=name, title=title, line=csv_text),
        f"docs/connectors/{name}.md": PAGE.format(name=name, title=title),
    }


def _header(sample: Path) -> tuple[str, list[str], list[str]]:
    """(delimiter, column names, first line) of a CSV."""
    with sample.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = stream.readline()
        delimiter = max(",;\t|", key=first.count)
        stream.seek(0)
        rows = csv.reader(stream, delimiter=delimiter)
        header = [cell.strip() for cell in next(rows, [])]
        line = next(rows, [])
    return delimiter, [column for column in header if column] or ["Id", "Type"], line


def _column(pattern: str, header: list[str]) -> str | None:
    return next((column for column in header if re.fullmatch(pattern, column, re.IGNORECASE)), None)


def _mapped(column: str | None, header: list[str], line: list[str], means: str) -> str:
    if column is None:
        return f"{{constant: {means}}}"
    place = header.index(column)
    seen = line[place].strip() if place < len(line) else ""
    texts = sorted({text for text in (seen, "payment" if means == "deposit" else "done") if text})
    return f"{{from: {_quoted(column)}, map: {{{', '.join(f'{_quoted(text)}: {means}' for text in texts)}}}}}"


def _quoted(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"
