"""commissions explain: why a deal paid what it paid."""

import dataclasses
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


@commissions.callback()
def _group() -> None:
    """Keeps `explain` a word of its own while it is the only command."""


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
