"""commissions explain, recompute, what-if: why a deal paid what it paid, whether it would again, and what a proposed rate would have cost."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.console import explained, out, plain, print_json, table
from warehouse.settings import Settings

app = typer.Typer()
commissions = typer.Typer(help="Partner commissions, line by line.", no_args_is_help=True)
app.add_typer(commissions, name="commissions")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]
SHOWN = (
    "partner_id",
    "level",
    "scheme",
    "rule_id",
    "basis_amount",
    "basis_unit",
    "rate",
    "fx_rate",
    "limited_by",
    "amount",
    "currency",
    "revision",
)
From = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, UTC.")]
Until = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The day after the last, UTC.")]


@commissions.command()
def explain(
    asked: Annotated[str, typer.Argument(help="platform:deal, a deal's number, or an accrual id.")],
    partner: Annotated[str | None, typer.Option(help="Only what concerns this partner.")] = None,
    json: Json = False,
) -> None:
    """Says who earned what on a deal by which rule, what was taken back, and why others earned nothing."""
    from apps.commissions.explain import explain as found_for
    from warehouse.reader import Reader

    settings = Settings()
    with explained(settings):
        explanation = found_for(Reader(settings), asked, partner)
    if json:
        print_json(dataclasses.asdict(explanation))
        return
    for sentence in explanation.sentences:
        out.print(sentence, highlight=False)
    rows = [[None if row[name] is None else plain(row[name]) for name in SHOWN] for row in explanation.lines]
    if rows:
        table("Lines", list(SHOWN), rows)
    if explanation.zeros:
        names = ["partner_id", "reason", "detail"]
        table("Nothing paid", names, [[row[name] for name in names] for row in explanation.zeros])


@commissions.command()
def recompute(
    start: From = datetime(1970, 1, 1),
    until: Until = datetime(2200, 1, 1),
    json: Json = False,
) -> None:
    """Computes commissions anew beside what stands and lists the differences, if any (then the exit code is 1). Changes nothing."""
    from apps.commissions.rehearsal import rehearse

    settings = Settings()
    with explained(settings), rehearse(settings) as rehearsal:
        lines, zeros = rehearsal.differences(start, until), rehearsal.zero_differences(start, until)
    if json:
        print_json({"lines": lines.to_dicts(), "zeros": zeros.to_dicts()})
    elif lines.is_empty() and zeros.is_empty():
        out.print("Computed anew, every line and every zero is what stands.", highlight=False)
    else:
        for title, frame in (("Lines that differ", lines), ("Zeros that differ", zeros)):
            if not frame.is_empty():
                table(title, frame.columns, [[plain(value) for value in row] for row in frame.rows()])
    if lines.height or zeros.height:
        raise typer.Exit(1)


@commissions.command("what-if")
def simulate_change(
    proposal: Annotated[Path, typer.Argument(help="Proposed plans or rules, YAML.", exists=True, dir_okay=False)],
    start: From,
    until: Until,
    json: Json = False,
) -> None:
    """Runs a proposed plan or rate over past deals: cost by partner, margin, winners and losers against today's. Changes nothing."""
    from apps.commissions.what_if import read_proposal, what_if

    settings = Settings()
    with explained(settings):
        effect = what_if(settings, read_proposal(proposal.read_text(encoding="utf-8")), start, until)
    if json:
        print_json({**effect.summary(), "partners": effect.partners.to_dicts()})
        return
    table("Partners", effect.partners.columns, [[plain(value) for value in row] for row in effect.partners.rows()])
    for name, value in effect.summary().items():
        out.print(f"{name.replace('_', ' ')}: {value}", highlight=False)
