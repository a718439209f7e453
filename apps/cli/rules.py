"""rules list, replay: the monitoring scenarios with their parameters, and what they would have found with others."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from apps.cli.console import explained, out, plain, print_json, table, utc_moment
from warehouse.settings import Settings

app = typer.Typer()
rules = typer.Typer(help="Monitoring scenarios.", no_args_is_help=True)
app.add_typer(rules, name="rules")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]
CATALOGUE = "select * exclude (_run_id) from compliance.dim_scenarios order by scenario"
SHOWN = ("scenario", "client_id", "window_start", "window_end", "amount_eur", "score", "detail")


@rules.command("list")
def catalogue(json: Json = False) -> None:
    """The scenarios, whether they are evaluated and on what, and what each found."""
    from warehouse.reader import Reader

    settings = Settings()
    with explained(settings):
        found = Reader(settings).query(CATALOGUE)
    if json:
        print_json(found.to_dicts())
        return
    table(
        "Scenarios", found.columns, [[None if value is None else plain(value) for value in row] for row in found.rows()]
    )


@rules.command()
def replay(
    rules_at: Annotated[
        datetime | None,
        typer.Option(parser=utc_moment, metavar="TS", help="The rules in force then, UTC; without it today's."),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter tried out, such as A01.deposits=4; may be repeated.")
    ] = None,
    entity: Annotated[str | None, typer.Option(help="The changes hold for this entity alone.")] = None,
    start: Annotated[
        datetime, typer.Option("--from", parser=utc_moment, metavar="TS", help="Alerts from this day on, UTC.")
    ] = datetime(1970, 1, 1),
    until: Annotated[
        datetime, typer.Option("--to", parser=utc_moment, metavar="TS", help="Up to this day, UTC.")
    ] = datetime(2200, 1, 1),
    json: Json = False,
) -> None:
    """Runs rules over all that is known, in a copy: today's rules on past data, past rules on today's, or a change; and the difference in alerts."""
    from apps.monitoring.replay import read_change
    from apps.monitoring.replay import replay as run_again

    settings = Settings()
    with explained(settings):
        replayed = run_again(
            settings,
            rules_at=rules_at or datetime.now(UTC).replace(tzinfo=None),
            changes=[read_change(text, entity) for text in changes or []],
            start=start,
            until=until,
        )
    if json:
        print_json(replayed.summary())
        return
    shown = replayed.scenarios
    table("Alerts by scenario", shown.columns, [[plain(value) for value in row] for row in shown.rows()])
    for title, frame in (("Would be raised too", replayed.added), ("Would not be raised", replayed.gone)):
        if not frame.is_empty():
            rows = frame.select(SHOWN).rows()
            table(title, list(SHOWN), [[None if value is None else plain(value) for value in row] for row in rows])
    if replayed.added.is_empty() and replayed.gone.is_empty():
        out.print("The same alerts stand.", highlight=False)
