"""What the head of dealing expects of the last 30 days of trading. Exact money sums stay in dbt."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
select
    executed_at::date::varchar as trading_day,
    count(*) filter (where action in ('buy', 'sell')) as executions,
    count(distinct login) filter (where action in ('buy', 'sell')) as active_accounts,
    (sum(volume_lots) filter (where action in ('buy', 'sell')))::double as lots,
    (count(*) filter (where entry in ('out', 'out_by') and holding_seconds < 120))::double
    / nullif(count(*) filter (where entry in ('out', 'out_by')), 0) as share_held_under_two_minutes,
    (count(*) filter (where action in ('buy', 'sell') and notional_usd is null))::double
    / nullif(count(*) filter (where action in ('buy', 'sell')), 0) as share_without_notional,
    date_diff('day', executed_at::date, (select max(executed_at)::date from trading.fct_deals)) as age_days
from trading.fct_deals
where executed_at >= (select max(executed_at) - interval 30 day from trading.fct_deals) and not is_demo and not is_test
group by executed_at::date
having count(*) filter (where action in ('buy', 'sell')) > 0
"""

SUITE = Suite(
    owner="dealing",
    relation="trading.fct_deals",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="trading",
        expectations=[
            # volume: a month has trading days, and each of them has trades
            gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=31),
            gxe.ExpectColumnValuesToBeBetween(column="executions", min_value=1),
            gxe.ExpectColumnMinToBeBetween(column="age_days", min_value=0, max_value=0),
            # drift: a day is no tenfold of the usual day, and none of it dries up
            gxe.ExpectColumnStdevToBeBetween(column="executions", min_value=0, max_value=1_000_000),
            gxe.ExpectColumnMaxToBeBetween(column="lots", min_value=0, max_value=10_000_000),
            gxe.ExpectColumnMedianToBeBetween(column="active_accounts", min_value=1),
            # quality of flow: most positions live longer than two minutes, and every execution has a notional
            gxe.ExpectColumnMeanToBeBetween(column="share_held_under_two_minutes", min_value=0, max_value=0.5),
            gxe.ExpectColumnMeanToBeBetween(column="share_without_notional", min_value=0, max_value=0.02),
        ],
    ),
)
