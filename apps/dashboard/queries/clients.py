"""The Clients page's questions about many clients: search, funnel, cohorts, segments, triggers."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

CLIENTS = "core.dim_clients"
ACCOUNTS = "core.dim_accounts"
INSTRUMENTS = "operations.dim_instruments"
FUNNEL = "growth.fct_onboarding_funnel"
LEADS = "growth.fct_leads"
COHORTS = "growth.fct_cohorts"
TIME_TO_FUND = "growth.fct_time_to_fund"
RETENTION = "growth.fct_retention"
ACTIVITY = "growth.fct_activity_monthly"
SEGMENTS = "growth.dim_segments"
TRIGGERS = "growth.fct_triggers"
EFFECT = "growth.fct_trigger_effect"

ALIKE = 0.87
"""How alike (Jaro and Winkler's measure) a name or address must be to count as meant: one or two slips of the finger."""
SLIPS = 1
"""Characters by which an id, a login or a card's fingerprint may differ."""
MOST = 50
STEPS = ("lead", "registered", "submitted", "approved", "funded", "traded")


def search(reader: Reader, text: str) -> pl.DataFrame:
    """client_id, name, entity, kyc_status, lifecycle_stage, found_by, found, score: the best first, at most 50.

    Looks at what this role may see: who sees masked names finds nobody by name, only by id, login and card.
    """
    asked = text.strip().lower()
    found = [
        f"select client_id, 'id' as found_by, client_id as found, {_near('client_id')} as score from {CLIENTS}",
        f"select client_id, 'name', {_name('')}, greatest({_alike(_name(''))}, {_alike(_turned())}, {_alike('last_name')}) from {CLIENTS}",
        f"select client_id, 'e-mail', email, {_alike('email')} from {CLIENTS}",
    ]
    if ACCOUNTS in reader.marts:
        found.append(f"select client_id, 'login', platform || ':' || login, {_near('login::varchar')} from {ACCOUNTS}")
    if INSTRUMENTS in reader.marts:
        found.append(f"select client_id, 'card', instrument_id, {_near('instrument_id')} from {INSTRUMENTS}")
    return reader.query(
        f"""
        with hits as (
            select * from ({" union all ".join(found)}) where score > 0
            qualify row_number() over (partition by client_id order by score desc, found_by) = 1
        )
        select hits.client_id, {_name("clients.")} as name, clients.entity, clients.kyc_status, clients.lifecycle_stage, hits.found_by, hits.found,
            round(hits.score, 3) as score
        from hits inner join {CLIENTS} as clients on hits.client_id = clients.client_id
        order by hits.score desc, hits.client_id limit {MOST}
        """,
        [asked],
    )


def _name(alias: str) -> str:
    return f"coalesce(nullif(concat_ws(' ', {alias}first_name, {alias}last_name), ''), {alias}company_name)"


def _turned() -> str:
    return "concat_ws(' ', last_name, first_name)"


def _near(column: str) -> str:
    """1 for the very text, less for its beginning or a slip of the finger, 0 for anything else."""
    value = f"lower({column})"
    return (
        f"case when {value} = $1 then 1 when length($1) >= 3 and starts_with({value}, $1) then 0.95 "
        f"when length($1) >= 5 and abs(length({value}) - length($1)) <= {SLIPS} and damerau_levenshtein({value}, $1) <= {SLIPS} then 0.9 else 0 end"
    )


def _alike(column: str) -> str:
    value = f"lower({column})"
    return (
        f"case when {value} = $1 then 1 when length($1) >= 3 and contains({value}, $1) then 0.96 "
        f"when jaro_winkler_similarity({value}, $1) >= {ALIKE} then jaro_winkler_similarity({value}, $1) * 0.95 else 0 end"
    )


def funnel(reader: Reader, scope: Scope) -> pl.DataFrame:
    """step, clients, of_first (share of the first step that has any), of_previous: of those who began in the period, how far they came."""
    return reader.query(
        f"""
        with begun as (
            select lead_id as id, 'lead' as began_as, registered_at, kyc_submitted_at, kyc_approved_at, first_deposit_at, first_trade_at
            from {LEADS} where not is_test and created_at >= $1 and created_at < $2 and ($3::varchar is null or entity = $3)
            union all
            select client_id, 'client', registered_at, kyc_submitted_at, kyc_approved_at, first_deposit_at, first_trade_at
            from {FUNNEL}
            where not is_test and lead_at is null and registered_at >= $1 and registered_at < $2 and ($3::varchar is null or entity = $3)
        ), counts (number, step, clients) as (
            select 1, 'lead', count(*) filter (began_as = 'lead') from begun
            union all select 2, 'registered', count(registered_at) from begun
            union all select 3, 'submitted', count(kyc_submitted_at) from begun
            union all select 4, 'approved', count(kyc_approved_at) from begun
            union all select 5, 'funded', count(first_deposit_at) from begun
            union all select 6, 'traded', count(first_trade_at) from begun
        )
        select step, clients,
            if(number > 1, round(clients / nullif(max(case when number = 2 then clients end) over (), 0), 6), null) as of_registered_share,
            round(clients / nullif(lag(clients) over (order by number), 0), 6) as of_previous_share
        from counts order by number
        """,
        scope.now,
    )


def time_to_fund(reader: Reader, scope: Scope, counted_from: str) -> pl.DataFrame:
    """day, at_risk, funded, censored, funded_share: of one entity, or of all of them."""
    return reader.query(
        f"select day, at_risk, funded, censored, funded_share from {TIME_TO_FUND} where counted_from = $1 and entity = $2 order by day",
        [counted_from, scope.entity or "all"],
    )


def funding_days(reader: Reader, scope: Scope) -> pl.DataFrame:
    """class, clients: days from registration to the first deposit, of the clients first funded in the period."""
    return reader.query(
        f"""
        with classes (number, class, above, upto) as (
            values (1, 'same day', -1, 24), (2, '≤ 3 days', 24, 72), (3, '≤ 7 days', 72, 168), (4, '≤ 14 days', 168, 336), (5, '≤ 30 days', 336, 720),
                (6, '≤ 90 days', 720, 2160), (7, 'longer', 2160, 10000000)
        ), funded as (
            select hours_to_fund from {FUNNEL}
            where not is_test and first_deposit_at >= $1 and first_deposit_at < $2 and ($3::varchar is null or entity = $3)
        )
        select class, count(hours_to_fund) as clients from classes left join funded on hours_to_fund > above and hours_to_fund <= upto
        group by number, class order by number
        """,
        scope.now,
    )


def retention(reader: Reader, scope: Scope) -> pl.DataFrame:
    """cohort_month, month_no, cohort_size, active_clients, retention, value_per_client (USD): complete months of every cohort."""
    return reader.query(
        f"""
        select cohort_month, month_no, sum(cohort_size)::bigint as cohort_size, sum(active_clients)::bigint as active_clients,
            round(sum(active_clients) / sum(cohort_size), 6) as retention_share,
            (sum(cumulative_net_revenue_usd) / sum(cohort_size))::decimal(18, 2) as value_per_client
        from {RETENTION} where is_complete and ($1::varchar is null or entity = $1) group by all order by cohort_month, month_no
        """,
        [scope.entity],
    )


def activity(reader: Reader, scope: Scope) -> pl.DataFrame:
    """month, stayed, new_clients, reactivated_clients, churned_clients, churn_share: complete months, whatever the period."""
    return reader.query(
        f"""
        select strftime(month, '%Y-%m') as month, sum(active_clients - new_clients - reactivated_clients)::bigint as stayed,
            sum(new_clients)::bigint as new_clients, sum(reactivated_clients)::bigint as reactivated_clients,
            sum(churned_clients)::bigint as churned_clients, round(sum(churned_clients) / nullif(sum(active_before), 0), 6) as churn_share
        from {ACTIVITY} where is_complete and ($1::varchar is null or entity = $1) group by 1 order by 1
        """,
        [scope.entity],
    )


def steps(reader: Reader, scope: Scope) -> pl.DataFrame:
    """step, cohort_month, horizon_days, cohort_size, reached, share: matured cohorts, the newest first."""
    return reader.query(
        f"""
        select step, cohort_month, horizon_days, sum(cohort_size)::bigint as cohort_size, sum(reached)::bigint as reached,
            round(sum(reached) / nullif(sum(cohort_size), 0), 6) as reached_share
        from {COHORTS} where is_matured and ($1::varchar is null or entity = $1) group by all order by cohort_month desc, step, horizon_days
        """,
        [scope.entity],
    )


def segments(reader: Reader, scope: Scope) -> pl.DataFrame:
    """segment, clients: who is in each now, the largest first."""
    return reader.query(
        f"""
        select segments.segment, count(*) as clients from {SEGMENTS} as segments inner join {FUNNEL} as clients using (client_id)
        where segments.valid_to is null and ($1::varchar is null or clients.entity = $1) group by 1 order by 2 desc, 1
        """,
        [scope.entity],
    )


def in_segment(scope: Scope, segment: str | None) -> Rows:
    """The clients of a segment now (None: of all of them), with since when and why."""
    return Rows(
        f"""
        select segments.client_id, clients.entity, segments.segment, segments.reason, segments.valid_from as since
        from {SEGMENTS} as segments inner join {FUNNEL} as clients using (client_id)
        where segments.valid_to is null and ($1::varchar is null or clients.entity = $1) and ($2::varchar is null or segments.segment = $2)
        order by segments.valid_from desc, segments.client_id
        """,
        (scope.entity, segment),
    )


def fired(reader: Reader, scope: Scope) -> pl.DataFrame:
    """rule, became (sent, waiting or why not), triggers: of those fired in the period."""
    return reader.query(
        f"""
        select rule, if(delivered_at is not null, 'delivered', coalesce(suppressed_reason, 'waiting')) as became, count(*) as triggers
        from {TRIGGERS} where fired_at >= $1 and fired_at < $2 and ($3::varchar is null or entity = $3) group by all order by rule, became
        """,
        scope.now,
    )


def effects(reader: Reader) -> pl.DataFrame:
    """Per rule and version: what its messages bring against the hold-out, with the interval."""
    return reader.query(f"select * exclude (_run_id) from {EFFECT} order by rule, rule_version")


def trigger_rows(scope: Scope, rule: str | None) -> Rows:
    """The triggers fired in the period, the newest first."""
    return Rows(
        f"""
        select * exclude (_run_id) from {TRIGGERS}
        where fired_at >= $1 and fired_at < $2 and ($3::varchar is null or entity = $3) and ($4::varchar is null or rule = $4)
        order by fired_at desc, trigger_id
        """,
        (*scope.now, rule),
    )
