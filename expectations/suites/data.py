"""What the data team expects of the last 30 days of loads."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
select
    load_id,
    feed,
    status,
    rows_read,
    rows_quarantined::double / nullif(rows_read, 0) as share_quarantined,
    rows_duplicate::double / nullif(rows_read, 0) as share_duplicate,
    rows_read - rows_loaded - rows_duplicate - rows_quarantined as rows_lost,
    epoch(finished_at - started_at) as seconds,
    date_diff('day', max(recorded_at) over (), now()::timestamp) as age_days
from quality.fct_loads
where status = 'loaded' and recorded_at >= (select max(recorded_at) - interval 30 day from quality.fct_loads)
limit 1000000
"""

SUITE = Suite(
    owner="data",
    relation="quality.fct_loads",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="data",
        expectations=[
            # volume: something came, and every row of it is accounted for
            gxe.ExpectTableRowCountToBeBetween(min_value=1),
            gxe.ExpectColumnValuesToBeBetween(column="rows_lost", min_value=0, max_value=0),
            # freshness
            gxe.ExpectColumnMinToBeBetween(column="age_days", max_value=3),
            # drift: hardly a file is refused by half, and no load takes an hour
            gxe.ExpectColumnValuesToBeBetween(column="share_quarantined", max_value=0.5, mostly=0.95),
            gxe.ExpectColumnMedianToBeBetween(column="share_quarantined", max_value=0.01),
            gxe.ExpectColumnMaxToBeBetween(column="seconds", max_value=3_600),
        ],
    ),
)
