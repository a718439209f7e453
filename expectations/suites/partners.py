"""What the head of partners expects of the last 60 days of commissions. That lines, ledger and payouts agree stays in dbt."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
with days as (
    select
        executed_at::date as day,
        count(*) as accruals,
        count(distinct partner_id) as partners,
        sum(amount_usd)::double as amount_usd,
        count(*) filter (where reverses_accrual_id is not null)::double / count(*) as share_reversed,
        (max(abs(amount_usd)) / nullif(sum(abs(amount_usd)), 0))::double as share_of_largest
    from partners.fct_commission_accruals
    group by executed_at::date
),

newest as (select max(day) as day from days)

select
    days.day::varchar as day,
    days.accruals,
    days.partners,
    days.amount_usd,
    days.share_reversed,
    days.share_of_largest,
    days.amount_usd / nullif(avg(days.amount_usd) over (order by days.day rows between 28 preceding and 1 preceding), 0) as of_usual,
    date_diff('day', days.day, (select max(executed_at)::date from trading.fct_deals)) as age_days
from days
where days.day >= (select day - 60 from newest)
"""

SUITE = Suite(
    owner="partners",
    relation="partners.fct_commission_accruals",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="partners",
        expectations=[
            # volume: a month has days that pay, to more than one partner
            gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=61),
            gxe.ExpectColumnMedianToBeBetween(column="partners", min_value=2),
            # freshness: what was traded last has been paid for
            gxe.ExpectColumnMinToBeBetween(column="age_days", max_value=3),
            # drift: a day's cost is no tenfold of the usual day's, little is taken back, and no line is most of its day
            gxe.ExpectColumnValuesToBeBetween(column="of_usual", min_value=0, max_value=10, mostly=0.95),
            gxe.ExpectColumnMeanToBeBetween(column="share_reversed", max_value=0.1),
            gxe.ExpectColumnMedianToBeBetween(column="share_of_largest", max_value=0.5),
        ],
    ),
)
