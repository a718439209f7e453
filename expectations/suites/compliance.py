"""What the compliance officer expects of clients' verification: that it moves, and that nobody is forgotten."""

from great_expectations import ExpectationSuite
from great_expectations import expectations as gxe

from expectations.suites import Suite

EXTRACT = """
select
    clients.client_id,
    clients.entity,
    clients.kyc_status,
    clients.risk_rating,
    clients.category,
    date_diff('day', status.valid_from, (select max(recorded_at) from quality.fct_loads)) as days_in_status,
    (clients.kyc_status in ('SUBMITTED', 'IN_REVIEW', 'EDD'))::integer as waits_for_us,
    (clients.kyc_status = 'APPROVED' and clients.risk_rating is null)::integer as approved_without_rating,
    date_diff('day', max(status.valid_from) over (), (select max(recorded_at) from quality.fct_loads)) as age_days
from core.dim_clients as clients
inner join compliance.fct_kyc_status as status
    on clients.client_id = status.client_id and status.valid_to is null and status.superseded_at is null
where not clients.is_test
limit 1000000
"""

STATES = [
    "NOT_STARTED", "IN_PROGRESS", "SUBMITTED", "IN_REVIEW", "INFO_REQUESTED", "EDD", "PROVISIONAL", "APPROVED", "RE_KYC", "SUSPENDED",
    "REJECTED", "TERMINATED",
]  # fmt: skip

SUITE = Suite(
    owner="compliance",
    relation="compliance.fct_kyc_status",
    extract=EXTRACT,
    expectations=ExpectationSuite(
        name="compliance",
        expectations=[
            # volume: every client is there once
            gxe.ExpectTableRowCountToBeBetween(min_value=10),
            gxe.ExpectColumnValuesToBeUnique(column="client_id"),
            gxe.ExpectColumnValuesToBeInSet(column="kyc_status", value_set=STATES),
            # freshness: somebody's status changed within the last two weeks
            gxe.ExpectColumnMinToBeBetween(column="age_days", max_value=14),
            # drift: the queue is a small part of all clients, and hardly anybody is approved without a rating
            gxe.ExpectColumnMeanToBeBetween(column="waits_for_us", max_value=0.25),
            gxe.ExpectColumnMeanToBeBetween(column="approved_without_rating", max_value=0.02),
        ],
    ),
)
