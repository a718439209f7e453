"""The Alerts, Rules and Linked persons questions: what monitoring found and on what evidence, by which rules, and who is linked to whom."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

ALERTS = "compliance.fct_alerts"
SCENARIOS = "compliance.dim_scenarios"
PARAMETERS = "compliance.dim_scenario_parameters"
LINKS = "compliance.fct_person_links"
EVENTS = "compliance.fct_audit_events"
WHERE = """
    window_end >= $1 and window_end < $2 and ($3::varchar is null or entity = $3) and ($4::varchar is null or scenario = $4)
    and case $5 when 'open' then not starts_with(status, 'CLOSED') when 'closed' then starts_with(status, 'CLOSED') else true end
    and ($6::varchar is null or client_id = $6)
"""


def alerts(scope: Scope, scenario: str | None, state: str, client: str | None) -> Rows:
    """Alerts whose pattern became complete in the period, the strongest first."""
    return Rows(
        f"""
        select alert_id, scenario, severity, client_id, window_end, score, amount_eur, detail, status, evaluated_on, entity, group_id, created_at
        from {ALERTS} where {WHERE} order by array_position(['critical', 'high', 'medium'], severity), score desc, window_end desc, alert_id
        """,
        (*scope.now, scenario, state, client),
    )


def by_day(reader: Reader, scope: Scope, scenario: str | None, state: str, client: str | None) -> pl.DataFrame:
    """day, severity, alerts: findings by the day they became complete."""
    return reader.query(
        f"""
        select window_end::date as day, severity as series, count(distinct group_id)::decimal(38, 8) as alerts
        from {ALERTS} where {WHERE} group by all order by all
        """,
        [*scope.now, scenario, state, client],
    )


def alert(reader: Reader, alert_id: str) -> pl.DataFrame:
    """The alert, or no row."""
    return reader.query(f"select * from {ALERTS} where alert_id = $1", [alert_id])


def evidence(alert_id: str) -> Rows:
    """Each piece of evidence with the event of the audit trail that it is, where the trail has it."""
    return Rows(
        f"""
        with keys as (select unnest(evidence) as key from {ALERTS} where alert_id = $1),
        events as (
            select source_feed || ':' || source_key as key, arg_max(event_type, version) as event_type, max(occurred_at) as occurred_at,
                max(recorded_at) as recorded_at, arg_max(actor_id, version) as actor_id, arg_max(client_id, version) as client_id,
                arg_max(after, version) as after
            from {EVENTS} where source_feed || ':' || source_key in (select keys.key from keys) group by 1
        )
        select keys.key as evidence_key, events.event_type, events.occurred_at, events.recorded_at, events.client_id, events.actor_id, events.after
        from keys left join events on keys.key = events.key order by events.occurred_at nulls last, keys.key
        """,
        (alert_id,),
    )


def group(group_id: str) -> Rows:
    """The alerts of all clients that one finding concerns."""
    return Rows(
        f"select alert_id, client_id, person_id, status, score, amount_eur from {ALERTS} where group_id = $1 order by client_id",
        (group_id,),
    )


def scenarios(reader: Reader) -> pl.DataFrame:
    """The catalogue, one row a scenario."""
    return reader.query(f"select * exclude (_run_id) from {SCENARIOS} order by scenario")


def parameters(scenario: str) -> Rows:
    """Every parameter of a scenario over its validity."""
    return Rows(
        f"""
        select entity, version, parameter, value, valid_from, valid_to from {PARAMETERS} where scenario = $1
        order by entity, valid_from, parameter
        """,
        (scenario,),
    )


def parameters_of(reader: Reader, scenario: str) -> pl.DataFrame:
    """parameter and value of the newest general set of a scenario."""
    return reader.query(
        f"""
        select parameter, arg_max(value, valid_from) as value from {PARAMETERS} where scenario = $1 and entity = 'all'
        group by parameter order by parameter
        """,
        [scenario],
    )


def most_linked() -> Rows:
    """Clients with the most links, those that say it is one person first."""
    return Rows(
        f"""
        select from_id as client_id, from_person_id as person_id, count(*) as links, count(*) filter (where is_same_person) as same_person,
            list(distinct attribute order by attribute) as attributes, max(since) as newest
        from {LINKS} group by all order by same_person desc, links desc, client_id
        """
    )


def around(client: str) -> Rows:
    """The links within two steps of a client."""
    return Rows(
        f"""
        with first_step as (
            select from_id as id from {LINKS} where to_id = $1 union select to_id from {LINKS} where from_id = $1 union select $1
        ), second_step as (
            select from_id as id from {LINKS} where to_id in (select id from first_step)
            union select to_id from {LINKS} where from_id in (select id from first_step) union select id from first_step
        )
        select attribute, from_id, to_id, from_person_id, to_person_id, is_same_person, since, evidence
        from {LINKS} where from_id in (select id from second_step) and to_id in (select id from second_step)
        order by is_same_person desc, attribute, from_id, to_id
        """,
        (client,),
    )


def alerts_of(reader: Reader, clients: list[str]) -> pl.DataFrame:
    """client_id with the scenarios of its open alerts."""
    return reader.query(
        f"""
        select client_id, list(distinct scenario order by scenario) as scenarios from {ALERTS}
        where client_id in (select unnest($1::varchar[])) and not starts_with(status, 'CLOSED') group by client_id
        """,
        [clients],
    )
