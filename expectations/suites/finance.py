"""What the head of finance expects of the last 60 days of the ledger. That each entry balances stays in dbt, exactly."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
with days as (
    select
        occurred_at::date as day,
        count(*) as entries,
        count(distinct entry_type) as entry_types,
        count(*) filter (where reverses_entry_id is not null) as reversals,
        median(date_diff('hour', occurred_at, recorded_at)) as hours_until_known
    from finance.fct_journal_entries
    group by occurred_at::date
),

newest as (select max(day) as day from days)

select
    days.day::varchar as day,
    days.entries,
    days.entry_types,
    days.reversals::double / days.entries as share_reversed,
    days.hours_until_known,
    days.entries::double / nullif(avg(days.entries) over (order by days.day rows between 28 preceding and 1 preceding), 0) as of_usual,
    date_diff('day', days.day, (select max(recorded_at)::date from quality.fct_loads)) as age_days
from days
where days.day >= (select day - 60 from newest)
"""

SUITE = Suite(
    owner="finance",
    relation="finance.fct_journal_entries",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="finance",
        expectations=[
            # volume: a month has postings, of more than one kind
            gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=61),
            gxe.ExpectColumnValuesToBeBetween(column="entries", min_value=1),
            gxe.ExpectColumnMedianToBeBetween(column="entry_types", min_value=2),
            # freshness: the newest entry is of the days before the newest load
            gxe.ExpectColumnMinToBeBetween(column="age_days", max_value=3),
            gxe.ExpectColumnMedianToBeBetween(column="hours_until_known", max_value=1_500),
            # drift: hardly a day is five times the usual one, and few entries are taken back
            gxe.ExpectColumnValuesToBeBetween(column="of_usual", min_value=0.02, max_value=5, mostly=0.9),
            gxe.ExpectColumnMeanToBeBetween(column="share_reversed", max_value=0.05),
        ],
    ),
)
