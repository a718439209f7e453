-- A19: money passes from person to person in several hops within days, or most of it comes back to where it started.
with recursive transfers as (
    select
        requests.request_id,
        'cash_requests:' || requests.paid_event_id as row_key,
        senders.person_id as from_person,
        receivers.person_id as to_person,
        requests.client_id,
        requests.to_client_id,
        senders.entity,
        requests.paid_at as moved_at,
        requests.amount,
        requests.currency,
        requests.paid_recorded_at as recorded_at
    from {{ ref('int_money_requests') }} as requests
    inner join {{ ref('int_persons') }} as senders on requests.client_id = senders.client_id
    inner join {{ ref('int_persons') }} as receivers on requests.to_client_id = receivers.client_id
    where requests.request_kind = 'internal_transfer' and requests.paid_at is not null and senders.person_id <> receivers.person_id
),

rates as (select * from {{ ref('int_fx_usd') }}),

euro_rates as (select * from {{ ref('int_fx_usd') }} where currency = 'EUR'),

edges as (
    select
        transfers.*,
        rules.version,
        rules.parameters,
        {{ in_euros('transfers') }} as amount_eur
    from transfers
    {{ rules_in_force('A19', 'transfers', 'transfers.moved_at') }}
    {{ at_euro_rates('transfers', 'moved_at') }}
),

chains as (
    select
        from_person as first_person,
        to_person as last_person,
        moved_at as first_at,
        moved_at as last_at,
        amount_eur as first_eur,
        amount_eur as last_eur,
        1 as hops,
        [row_key] as keys,
        [client_id, to_client_id] as client_ids,
        recorded_at,
        version,
        parameters
    from edges
    union all
    select
        chains.first_person,
        edges.to_person,
        chains.first_at,
        edges.moved_at,
        chains.first_eur,
        edges.amount_eur,
        chains.hops + 1,
        chains.keys || [edges.row_key],
        chains.client_ids || [edges.to_client_id],
        greatest(chains.recorded_at, edges.recorded_at),
        chains.version,
        chains.parameters
    from chains
    inner join edges on chains.last_person = edges.from_person
    where
        edges.moved_at > chains.last_at
        and edges.moved_at <= chains.first_at + to_days(chains.parameters['window_days']::integer)
        and chains.hops < chains.parameters['longest_chain']
        -- what has come back starts anew
        and chains.last_person <> chains.first_person
),

judged as (
    select
        *,
        first_person = last_person and last_eur >= parameters['circular_share'] * first_eur as is_circular
    from chains
    where hops >= 2
)

select
    'A19' as scenario,
    version,
    first_person as person_id,
    'layering:' || keys[1] as group_key,
    list_distinct(client_ids) as client_ids,
    first_at as window_start,
    last_at as window_end,
    first_eur as amount_eur,
    case when is_circular then 0.9 else least(0.5 + 0.1 * hops, 1) end as score,
    keys as evidence,
    case
        when is_circular then 'EUR ' || last_eur::decimal(38, 2) || ' of EUR ' || first_eur::decimal(38, 2) || ' came back over ' || hops || ' hops'
        else hops || ' hops between persons within ' || parameters['window_days']::integer || ' days'
    end as detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from judged
where hops >= parameters['hops'] or is_circular
