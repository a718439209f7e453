-- A07: money is to leave by a method it never came by, or to an instrument added only hours before. Only `instrument_added` dates an instrument,
-- its first use where there is none.
with outs as (
    select
        requests.request_id,
        requests.client_id,
        persons.person_id,
        persons.entity,
        requests.asked_at,
        coalesce(requests.method, payouts.method) as method,
        coalesce(requests.instrument_id, payouts.instrument_id) as instrument_id,
        'cash_requests:' || requests.asked_event_id as row_key,
        requests.recorded_at
    from {{ ref('int_money_requests') }} as requests
    inner join {{ ref('int_persons') }} as persons on requests.client_id = persons.client_id and not persons.is_test
    left join (
        select request_id, arg_min(method, occurred_at) as method, arg_min(instrument_id, occurred_at) as instrument_id
        from {{ ref('int_money_flows') }}
        where flow = 'payout' and request_id is not null
        group by request_id
    ) as payouts on requests.request_id = payouts.request_id
    where requests.request_kind = 'withdrawal' and requests.is_asked
    union all
    select null, client_id, person_id, entity, asked_at, method, instrument_id, flow_key, recorded_at
    from {{ ref('int_money_flows') }}
    where flow = 'out' and request_id is null and original_psp_txn_id is null
),

ruled as (
    select outs.*, rules.version, rules.parameters
    from outs
    {{ rules_in_force('A07', 'outs', 'outs.asked_at') }}
),

amounts as (select flow_key, request_id, amount_eur from {{ ref('int_money_flows') }} where flow = 'out'),

deposit_methods as (
    select
        ruled.row_key,
        list(distinct deposits.method) as methods,
        arg_max(deposits.flow_key, deposits.occurred_at) as last_key
    from ruled
    inner join {{ ref('int_money_flows') }} as deposits
        on ruled.person_id = deposits.person_id and deposits.flow = 'deposit' and deposits.occurred_at <= ruled.asked_at
    where deposits.method is not null
    group by ruled.row_key
),

out_methods as (
    select ruled.row_key, list(distinct earlier.method) as methods
    from ruled
    inner join ruled as earlier on ruled.person_id = earlier.person_id and earlier.asked_at <= ruled.asked_at
    where earlier.method is not null
    group by ruled.row_key
),

found as (
    select
        ruled.*,
        deposit_methods.last_key as other_key,
        'deposits by ' || array_to_string(list_sort(deposit_methods.methods), ', ') || ', withdrawal by ' || ruled.method as detail,
        0.6 as score
    from ruled
    inner join deposit_methods on ruled.row_key = deposit_methods.row_key
    inner join out_methods on ruled.row_key = out_methods.row_key
    where not list_has_any(deposit_methods.methods, out_methods.methods)
    union all
    select
        ruled.*,
        dates.row_key as other_key,
        'to an instrument ' || case when dates.is_added then 'added ' else 'first used ' end || date_diff('hour', dates.dated_at, ruled.asked_at)
        || ' hours before' as detail,
        0.7 as score
    from ruled
    inner join {{ ref('int_instrument_dates') }} as dates on ruled.person_id = dates.person_id and ruled.instrument_id = dates.instrument_id
    where dates.dated_at <= ruled.asked_at and dates.dated_at > ruled.asked_at - to_hours(ruled.parameters['instrument_hours']::integer)
)

select
    'A07' as scenario,
    found.version,
    found.person_id,
    null::varchar as group_key,
    [found.client_id] as client_ids,
    found.asked_at as window_start,
    found.asked_at as window_end,
    amounts.amount_eur,
    found.score,
    list_distinct([found.row_key, found.other_key]) as evidence,
    found.detail,
    null::varchar as evaluated_on,
    found.parameters,
    found.recorded_at
from found
left join amounts on coalesce(found.request_id, found.row_key) = coalesce(amounts.request_id, amounts.flow_key)
