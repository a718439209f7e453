"""new model, page, rule: the files of a part that passes every test as it stands, and is then changed into what is wanted."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
import yaml

from apps.cli import console
from apps.cli.console import give_up, say
from warehouse.settings import PROJECT

Project = Annotated[Path, typer.Option(help="The project's folder.")]
SCHEMAS = ("compliance", "core", "finance", "growth", "leadership", "operations", "partners", "quality", "trading")
NAVIGATION, ACCESS, RULES = "apps/dashboard/navigation.py", "warehouse/access.yml", "apps/metric_alerts/metric_alerts.yml"  # fmt: skip
LAST_PAGE = '    Listed("data", '
READERS = ("data", "auditor")
"""The roles that a new page opens for until somebody decides."""

MODEL = """{{{{ config(meta={{'owner': '{schema}', 'sorted_by': ['month_start']}}) }}}}

with days as (select * from {{{{ ref('dim_dates') }}}})

select
    month_start,
    count(*)::bigint as weekdays,
    {{{{ run_id() }}}} as _run_id
from days
where not is_weekend
group by month_start
"""
MODEL_YAML = """models:
  - name: {name}
    description: "{title}: say here what one row is. Grain: month_start."
    columns:
      - {{name: month_start, data_type: date, constraints: [{{type: not_null}}], description: "The first day of the month."}}
      - {{name: weekdays, data_type: bigint, constraints: [{{type: not_null}}], description: "Mondays to Fridays in it; a count, never negative."}}
      - {{name: _run_id, data_type: bigint, constraints: [{{type: not_null}}], description: "{{{{ doc('run_id') }}}}"}}
    data_tests:
      - grain: {{arguments: {{columns: [month_start]}}}}
"""
MODEL_TEST = '''"""{title}: a broker by hand whose rows can be worked out on paper."""

from pathlib import Path

from tests.dbt.broker import new_broker


def test_{name}_counts_the_weekdays_of_each_month(tmp_path: Path) -> None:
    broker = new_broker(tmp_path)
    rate = {{"base_currency": "EUR", "quote_currency": "USD", "quoted_at": "2026-03-01T10:00:00", "rate": "1.1"}}
    broker.learn("2026-03-01T12:00:00", fx_rates=[rate])
    broker.build("{name}")
    found = broker.rows("select weekdays from {schema}.{name} where month_start = date '2026-02-01'")
    assert found == [(20,)]
'''
PAGE = '''"""{title}: say here what one comes for."""

from apps.dashboard.queries import {name}
from apps.dashboard.ui import states
from apps.dashboard.ui.header import header
from apps.dashboard.ui.table import table_with_export

page = header("{name}", "{title}", "Say here in one sentence what the page shows.")
if states.available(page.frame, "{title}", {name}.MART, "any"):
    with states.panel():
        table_with_export(page, {name}.rows(page.scope), "{slug}", mart={name}.MART, what="rows")
'''
QUERIES = '''"""The questions of the page {title}."""

from apps.dashboard.queries.common import Rows, Scope

MART = "quality.fct_loads"


def rows(scope: Scope) -> Rows:
    """The rows of the period, the newest first."""
    return Rows(
        f"select * exclude (_run_id) from {{MART}} where recorded_at >= $1 and recorded_at < $2 order by recorded_at desc, load_id",
        tuple(scope.now[:2]),
    )
'''
PAGE_TEST = '''"""The page {title}, run as it is on a small publish."""

from datetime import datetime

from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.test_pages import words


def test_{name}_shows_the_rows_of_its_period_and_says_when_there_are_none(open_page: Open) -> None:
    app = open_page("{name}", "astrid", period="7d")
    assert not app.exception
    assert app.dataframe[0].value["recorded_at"].min() >= datetime(2026, 11, 16)
    none = open_page("{name}", "astrid", period="custom", **{{"from": "2020-01-01", "to": "2020-01-02"}})
    assert "Nothing matches" in words(none) and not none.dataframe
'''
RULE = (
    "- {{name: {name}, metric: {metric}, when: {when}, limit: {limit}, period: 7d, owner: {owner}, severity: low, "
    'advice: "Say here what to look at."}}\n'
)
RULE_TEST = '''"""The alert {name}: its rule is kept, and whoever is to act may see the figure."""

from apps.metric_alerts.rules import DEFAULT, rules
from apps.metric_alerts.standing import visible
from warehouse.settings import Settings


def test_{name}_watches_{metric}_for_a_role_that_may_see_it() -> None:
    rule = rules(Settings(home=DEFAULT.parent))["{name}"]
    assert rule.metric == "{metric}" and rule.limit is not None
    assert visible(rule.owner, rule.metric, set())
'''


def model(
    name: Annotated[str, typer.Argument(help="A mart's name: fct_, dim_ or rec_, then lower-case words.")],
    schema: Annotated[str, typer.Option(help=f"Its folder and schema: {', '.join(SCHEMAS)}.")] = "operations",
    project: Project = PROJECT,
) -> None:
    """A mart with contract, grain, owner and a test on a hand-made broker; nothing that exists is overwritten."""
    _must_be(
        name,
        r"(fct|dim|rec)_[a-z0-9_]+",
        "A mart's name is fct_, dim_ or rec_ and lower-case words, like fct_payment_hours",
    )
    _must_be(schema, "|".join(SCHEMAS), f"A schema is one of {', '.join(SCHEMAS)}")
    given = {"name": name, "schema": schema, "title": _title(name.split("_", 1)[1])}
    place = f"dbt_project/models/marts/{schema}/{name}"
    write({
        f"{place}.sql": MODEL.format(**given), f"{place}.yml": MODEL_YAML.format(**given), f"tests/dbt/test_{name}.py": MODEL_TEST.format(**given),
    }, project)  # fmt: skip
    say(f"Next: write its SQL; `{ACCESS}` says who reads it. `.venv/bin/python -m pytest tests/dbt/test_{name}.py`")


def page(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores: its name in the address.")],
    section: Annotated[str, typer.Option(help="Under which heading the menu lists it.")] = "Business",
    project: Project = PROJECT,
) -> None:
    """A page with its queries and its test, in the menu and opened for two roles; nothing that exists is overwritten."""
    _must_be(name, r"[a-z][a-z0-9_]*", "A page's name is lower-case letters, digits and underscores, like card_fees")
    _must_be(section, r"[A-Z][A-Za-z ]*", "A section is a heading of the menu, like Business")
    title = _title(name)
    given = {"name": name, "title": title, "slug": name.replace("_", "-")}
    navigation, access = ((project / place).read_text(encoding="utf-8") for place in (NAVIGATION, ACCESS))
    write({
        f"apps/dashboard/app_pages/{name}.py": PAGE.format(**given), f"apps/dashboard/queries/{name}.py": QUERIES.format(**given),
        f"tests/apps/dashboard/test_{name}.py": PAGE_TEST.format(**given),
    }, project)  # fmt: skip
    listed = f'    Listed("{name}", "{title}", "{section}"),\n'
    for role in READERS:
        access = re.sub(rf"(\n  {role}:\n    pages: \[.*?), data\]", rf"\1, {name}, data]", access, count=1)
    (project / NAVIGATION).write_text(navigation.replace(LAST_PAGE, listed + LAST_PAGE, 1), encoding="utf-8")
    (project / ACCESS).write_text(access, encoding="utf-8")
    say(f"Listed it in {NAVIGATION} and opened it for {' and '.join(READERS)} in {ACCESS}.")
    say("Next: its mart and its columns in the queries; who may open it in the access table. See docs/add-a-page.md.")


def rule(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores.")],
    metric: Annotated[str, typer.Option(help="What it watches: a name of `daybook metrics list`.")] = "net_deposits",
    when: Annotated[str, typer.Option(help="above, below, change_above or change_below.")] = "below",
    limit: Annotated[str, typer.Option(help="In the metric's unit; a change is a fraction.")] = "0",
    owner: Annotated[str, typer.Option(help="The role that is asked to act.")] = "leadership",
    project: Project = PROJECT,
) -> None:
    """An alert's rule over a metric with its test; a monitoring scenario or a trigger is a row of its seed, see docs/add-a-mart.md."""
    from apps.metric_alerts.rules import Rule

    _must_be(
        name, r"[a-z][a-z0-9_]{0,40}", "A rule's name is lower-case letters, digits and underscores, like fees_high"
    )
    entry = RULE.format(name=name, metric=metric, when=when, limit=limit, owner=owner)
    try:
        Rule.model_validate(yaml.safe_load(entry)[0])
    except (ValueError, yaml.YAMLError) as error:
        raise give_up(f"No such rule can be: {error}", console.USAGE) from error
    known = (project / RULES).read_text(encoding="utf-8")
    if f"{{name: {name}," in known:
        raise give_up(f"{RULES} has a rule {name} already. Choose another name.")
    write({f"tests/apps/metric_alerts/test_{name}.py": RULE_TEST.format(name=name, metric=metric)}, project)
    (project / RULES).write_text(known + entry, encoding="utf-8")
    say(f"Added {name} to {RULES}. Next: its limit, its period and its advice.")


def write(files: Mapping[str, str], project: Path) -> None:
    """Writes each text to its place in the project and says so; exits 1, with nothing written, where one is already there."""
    taken = [place for place in files if (project / place).exists()]
    if taken:
        raise give_up(f"{taken[0]} is already there. Choose another name, or remove it.")
    for place, text in files.items():
        (project / place).parent.mkdir(parents=True, exist_ok=True)
        (project / place).write_text(text, encoding="utf-8")
        say(f"Wrote {place}")


def _must_be(text: str, pattern: str, rule_in_words: str) -> None:
    if not re.fullmatch(pattern, text):
        raise give_up(f"{rule_in_words}; not {text!r}.", console.USAGE)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
