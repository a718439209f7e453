"""The withdrawals that a regulator may ask about, those with a control failure first. The answer itself is `apps.dossier`'s."""

from apps.dashboard.queries.common import Rows, Scope

WITHDRAWALS = "operations.fct_withdrawals"
FAILURES = "compliance.fct_control_failures"
CLIENTS = "core.dim_clients"


def withdrawals(scope: Scope, only_failures: bool) -> Rows:
    """Requests made in the period with their decision and the control failures found; the newest first."""
    return Rows(
        f"""
        with failures as (
            select subject_id as request_id, count(*) as control_failures, list(distinct control order by control) as controls
            from {FAILURES} where subject_type = 'withdrawal' group by 1
        )
        select requests.request_id, coalesce(failures.control_failures, 0) as control_failures, failures.controls, requests.client_id,
            requests.amount, requests.currency, requests.method, requests.requested_at, requests.decision, requests.decided_by, requests.decided_at,
            requests.paid_at, requests.checks_passed, requests.kyc_status_at_decision, requests.kyc_status_known_at_decision
        from {WITHDRAWALS} as requests left join failures using (request_id)
        where requests.requested_at >= $1 and requests.requested_at < $2
            and ($3::varchar is null or requests.client_id in (select client_id from {CLIENTS} where entity = $3))
            and (not $4::boolean or failures.request_id is not null)
        order by requests.requested_at desc, requests.request_id
        """,
        (*scope.now, only_failures),
    )
