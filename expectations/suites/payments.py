"""What the head of payments expects of the last 30 days of PSP traffic."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
select
    day::varchar as day,
    psp,
    method,
    currency,
    deposits::double as deposits,
    withdrawals::double as withdrawals,
    attempts,
    approved,
    approval_rate::double as approval_rate,
    fees::double as fees,
    (fees::double / nullif(deposits::double + withdrawals::double, 0)) as fee_share,
    chargebacks::double as chargebacks
from operations.fct_payments_daily
where day >= (select max(day) - interval 30 day from operations.fct_payments_daily)
limit 1000000
"""

SUITE = Suite(
    owner="payments",
    relation="operations.fct_payments_daily",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="payments",
        expectations=[
            gxe.ExpectTableRowCountToBeBetween(min_value=10),
            gxe.ExpectColumnDistinctValuesToBeInSet(
                column="method", value_set=["card", "bank_wire", "ewallet", "crypto", "local"]
            ),
            gxe.ExpectColumnValuesToBeBetween(column="deposits", min_value=0),
            gxe.ExpectColumnMeanToBeBetween(column="approval_rate", min_value=0.5, max_value=1),
            gxe.ExpectColumnMedianToBeBetween(column="fee_share", min_value=0, max_value=0.1),
            gxe.ExpectColumnUniqueValueCountToBeBetween(column="psp", min_value=1, max_value=50),
        ],
    ),
)
