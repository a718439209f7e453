"""The Support questions beside the metrics: tickets by day, waiting times, what is open, complaints with their clocks."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

TICKETS = "operations.fct_tickets"
TIMES = "operations.fct_ticket_times"
OPENED = "times.opened_at >= $1 and times.opened_at < $2 and ($3::varchar is null or times.entity = $3) and not times.is_test"


def by_day(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, channel, tickets: by the day they were opened."""
    return reader.query(
        f"""
        select times.opened_at::date as day, coalesce(tickets.channel, 'unknown') as channel, count(*) as tickets
        from {TIMES} as times inner join {TICKETS} as tickets using (ticket_id) where {OPENED} group by all order by day, channel
        """,
        scope.now,
    )


def response_classes(reader: Reader, scope: Scope) -> pl.DataFrame:
    """class, tickets: business hours to the first answer by a person."""
    return reader.query(
        f"""
        with classes (number, class, above, upto) as (
            values (1, '≤ 30 min', -1, 1800), (2, '≤ 1 h', 1800, 3600), (3, '≤ 2 h', 3600, 7200), (4, '≤ 4 h', 7200, 14400),
                (5, '≤ 9 h', 14400, 32400), (6, '≤ 27 h', 32400, 97200), (7, 'longer', 97200, 1000000000)
        ), answered as (
            select times.response_business_seconds as waited from {TIMES} as times where {OPENED} and times.response_business_seconds is not null
        )
        select class, count(waited) as tickets from classes left join answered on waited > above and waited <= upto
        group by number, class order by number
        """,
        scope.now,
    )


def by_priority(reader: Reader, scope: Scope) -> pl.DataFrame:
    """priority with tickets, answered, within target, share, median and 9-in-10 business hours, reopened."""
    return reader.query(
        f"""
        select lower(coalesce(tickets.priority, 'normal')) as priority, count(*) as tickets, count(times.first_response_at) as answered,
            count(*) filter (times.sla_met) as in_time, round(count(*) filter (times.sla_met) / nullif(count(times.sla_met), 0), 4) as in_time_share,
            round(median(times.response_business_seconds) / 3600, 2) as median_hours,
            round(quantile_cont(times.response_business_seconds, 0.9) / 3600, 2) as nine_in_ten_hours, count(*) filter (tickets.reopened) as reopened
        from {TIMES} as times inner join {TICKETS} as tickets using (ticket_id) where {OPENED}
        group by 1 order by list_position(['urgent', 'high', 'normal'], lower(coalesce(tickets.priority, 'normal'))) nulls last, 1
        """,
        scope.now,
    )


def waiting(scope: Scope) -> Rows:
    """Tickets that are open now, those past their target and the oldest first; whatever the period."""
    return Rows(
        f"""
        select tickets.ticket_id, tickets.client_id, times.entity, tickets.priority, tickets.channel, tickets.topic, tickets.opened_at,
            tickets.first_response_at, times.sla_met, tickets.is_complaint, tickets.reopened
        from {TIMES} as times inner join {TICKETS} as tickets using (ticket_id)
        where tickets.closed_at is null and not times.is_test and ($1::varchar is null or times.entity = $1)
        order by coalesce(times.sla_met, true), tickets.opened_at
        """,
        (scope.entity,),
    )


def complaints(scope: Scope) -> Rows:
    """Complaints opened in the period with every clock that the mart keeps, the oldest open one first."""
    return Rows(
        f"""
        select tickets.* exclude (_run_id), times.entity from {TICKETS} as tickets inner join {TIMES} as times using (ticket_id)
        where tickets.is_complaint and {OPENED} order by tickets.closed_at is not null, tickets.opened_at
        """,
        tuple(scope.now),
    )


def tickets(scope: Scope) -> Rows:
    """The tickets opened in the period with both clocks, the newest first."""
    return Rows(
        f"""
        select tickets.* exclude (_run_id, sla_met), times.entity, times.response_business_seconds, times.target_business_seconds, times.sla_met,
            times.resolution_business_seconds, times.replies, times.reopenings
        from {TICKETS} as tickets inner join {TIMES} as times using (ticket_id) where {OPENED} order by tickets.opened_at desc, tickets.ticket_id
        """,
        tuple(scope.now),
    )
