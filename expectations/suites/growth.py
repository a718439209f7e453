"""What the head of growth expects of the last 90 days of registrations."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
with days as (
    select
        registered_at::date as day,
        count(*) as registered,
        count(distinct country_of_residence) as countries,
        (count(*) filter (where first_deposit_at is not null))::double / count(*) as share_funded,
        (count(*) filter (where lead_source is null and partner_id is null))::double / count(*) as share_of_no_source
    from core.dim_clients
    where not is_test and registered_at is not null
    group by registered_at::date
),

newest as (select max(day) as day from days)

select
    days.day::varchar as day,
    days.registered,
    days.countries,
    days.share_funded,
    days.share_of_no_source,
    date_diff('day', days.day, (select max(recorded_at)::date from quality.fct_loads)) as age_days
from days
where days.day >= (select day - 90 from newest)
"""

SUITE = Suite(
    owner="growth",
    relation="core.dim_clients",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="growth",
        expectations=[
            # volume: most days somebody registers, from more than one country over all
            gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=91),
            gxe.ExpectColumnMaxToBeBetween(column="countries", min_value=2),
            # freshness: the newest client is of the last days
            gxe.ExpectColumnMinToBeBetween(column="age_days", max_value=7),
            # drift: some fund and not everybody does; a client of no source is an exception
            gxe.ExpectColumnMeanToBeBetween(column="share_funded", min_value=0.05, max_value=0.98),
            gxe.ExpectColumnMeanToBeBetween(column="share_of_no_source", max_value=0.6),
        ],
    ),
)
