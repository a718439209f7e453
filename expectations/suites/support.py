"""What the head of support expects of the last 60 days of tickets."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
select
    ticket_id,
    channel,
    priority,
    is_complaint::integer as is_complaint,
    coalesce(reopened, false)::integer as reopened,
    (first_response_at is null)::integer as unanswered,
    date_diff('minute', opened_at, first_response_at) as minutes_to_answer,
    date_diff('day', max(opened_at) over (), (select max(recorded_at) from quality.fct_loads)) as age_days
from operations.fct_tickets
where opened_at >= (select max(opened_at) - interval 60 day from operations.fct_tickets)
limit 1000000
"""

SUITE = Suite(
    owner="support",
    relation="operations.fct_tickets",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="support",
        expectations=[
            # volume
            gxe.ExpectTableRowCountToBeBetween(min_value=5),
            gxe.ExpectColumnValuesToBeUnique(column="ticket_id"),
            gxe.ExpectColumnValuesToNotBeNull(column="channel", mostly=0.95),
            # freshness
            gxe.ExpectColumnMinToBeBetween(column="age_days", max_value=7),
            # drift: answers come before questions nowhere, few wait for one, few come back, few are complaints
            gxe.ExpectColumnValuesToBeBetween(column="minutes_to_answer", min_value=0),
            gxe.ExpectColumnMeanToBeBetween(column="unanswered", max_value=0.3),
            gxe.ExpectColumnMeanToBeBetween(column="reopened", max_value=0.3),
            gxe.ExpectColumnMeanToBeBetween(column="is_complaint", max_value=0.3),
        ],
    ),
)
