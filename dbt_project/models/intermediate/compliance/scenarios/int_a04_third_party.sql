-- A04: who pays or is paid is not like the client, or the instrument was shown to be somebody else's. Names are compared transliterated, words sorted.
with movements as (
    select
        client_id, person_id, entity, occurred_at, holder, instrument_id, flow_key as row_key, amount_eur, recorded_at,
        case flow when 'deposit' then 'paid by' else 'paid to' end as way
    from {{ ref('int_money_flows') }}
    where flow in ('deposit', 'payout')
    union all
    select
        requests.client_id, persons.person_id, persons.entity, requests.asked_at, requests.destination_holder, requests.instrument_id,
        'cash_requests:' || requests.asked_event_id, out_flows.amount_eur, requests.recorded_at, 'to be paid to'
    from {{ ref('int_money_requests') }} as requests
    inner join {{ ref('int_persons') }} as persons on requests.client_id = persons.client_id and not persons.is_test
    left join {{ ref('int_money_flows') }} as out_flows on requests.request_id = out_flows.request_id and out_flows.flow = 'out'
    where requests.request_kind in ('withdrawal', 'refund')
),

keys as (select * from {{ ref('int_name_keys') }}),

-- every name the person ever had with us, a company's too
own_names as (
    select
        persons.person_id,
        list(distinct keys.name_key) as names
    from (
        select client_id, unnest([concat_ws(' ', first_name, last_name), company_name]) as name
        from {{ ref('int_clients') }}
    ) as clients
    inner join {{ ref('int_persons') }} as persons on clients.client_id = persons.client_id
    inner join keys on clients.name = keys.name
    group by persons.person_id
),

disowned as (
    select
        persons.person_id,
        proofs.instrument_id,
        proofs.occurred_at,
        'kyc_events:' || proofs.provider || ':' || proofs.event_id as row_key
    from {{ ref('stg_kyc_events') }} as proofs
    inner join {{ ref('int_persons') }} as persons on proofs.client_id = persons.client_id
    where proofs.check = 'instrument_ownership' and proofs.result = 'fail'
),

judged as (
    select
        movements.*,
        rules.version,
        rules.parameters,
        list_max(list_transform(own_names.names, lambda name: jaro_winkler_similarity(name, keys.name_key))) as similarity,
        min(disowned.row_key) as disowned_key
    from movements
    {{ rules_in_force('A04', 'movements', 'movements.occurred_at') }}
    left join keys on movements.holder = keys.name
    left join own_names on movements.person_id = own_names.person_id
    left join disowned on movements.person_id = disowned.person_id and movements.instrument_id = disowned.instrument_id
    group by all
)

select
    'A04' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    occurred_at as window_start,
    occurred_at as window_end,
    amount_eur,
    1 - coalesce(similarity, 0) as score,
    list_filter([row_key, disowned_key], lambda key: key is not null) as evidence,
    way || ' ' || coalesce(left(holder, 1) || '…', 'an instrument') || case
        when similarity < parameters['similarity'] then ', like the client by ' || round(similarity, 2)
        else ', shown to be somebody else''s'
    end as detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from judged
where similarity < parameters['similarity'] or disowned_key is not null
