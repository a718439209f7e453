"""The table that `make test` prints: what became of every sample. A test says its line by `record_sample`; xdist carries it to the end."""

from collections.abc import Callable

import pytest

COLUMNS = ("system", "file", "rows", "loaded", "quarantined", "reason")


@pytest.fixture
def record_sample(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Says one line of the table: system, file, rows, loaded, quarantined, reason."""

    def record(*line: object) -> None:
        record_property("sample", [str(cell) for cell in line])

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table after the tests, whichever worker ran them."""
    reports = [report for group in ("passed", "failed") for report in terminalreporter.stats.get(group, [])]
    lines = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == "sample"]
    if not lines:
        return
    terminalreporter.section("samples")
    widths = [max(len(line[place]) for line in [list(COLUMNS), *lines]) for place in range(len(COLUMNS) - 1)]
    for line in [list(COLUMNS), *sorted(lines)]:
        fixed = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        terminalreporter.write_line(" | ".join([*fixed, line[-1][:160]]))
