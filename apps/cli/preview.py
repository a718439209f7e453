"""What `daybook ingest --dry-run` shows of each file: mapped rows, totals, refused rows."""

from collections.abc import Sequence
from pathlib import Path

from apps.cli.console import say, table
from ingestion.connectors import connectors
from ingestion.connectors.configured import configured
from ingestion.load import FileOutcome
from ingestion.preview import Preview, preview
from warehouse.settings import Settings


def previews(settings: Settings, outcomes: Sequence[FileOutcome]) -> dict[str, Preview]:
    """Path as the outcome names it -> its preview; files that are refused, skipped or loaded before have none."""
    known = configured(connectors(), settings.root / "connectors.yml")
    found: dict[str, Preview] = {}
    for outcome in outcomes:
        if outcome.status != "loaded" or outcome.connector is None or outcome.path in found:
            continue
        path = settings.landing / outcome.path  # an absolute one stays what it is
        made = preview(path, known[outcome.connector]) if path.exists() else None
        if made is not None:
            found[outcome.path] = made
    return found


def show(path: str, made: Preview) -> None:
    """Prints one file's preview."""
    say(f"{Path(path).name} would be loaded by {made.connector}:")
    for feed in made.feeds:
        for number, row in enumerate(feed.first, start=1):
            table(f"{feed.feed}, row {number} of {feed.rows}", ["column", "value"], list(row.items()))
        totals = [[*key, count, format(total.normalize(), "f")] for key, (count, total) in sorted(feed.totals.items())]
        if totals:
            table(f"{feed.feed}, totals", ["kind", "status", "currency", "rows", "amount"], totals)
    if made.rejected:
        title = f"Refused rows ({made.refused}; they would go to quarantine)"
        table(title, ["row", "rules broken"], [[number, "; ".join(rules)] for number, rules in made.rejected])
    for remark in made.remarks:
        say(f"  {remark}")
