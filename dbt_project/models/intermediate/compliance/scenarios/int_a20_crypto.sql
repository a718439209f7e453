-- A20: coins from a listed wallet or one that a check found risky or somebody else's, or coins paid out to another address than they came from.
with moves as (select * from {{ ref('int_money_flows') }} where method = 'crypto' and flow in ('deposit', 'payout', 'out')),

wallets as (
    select
        json_extract_string(attributes, '$.address') as address,
        valid_from,
        coalesce(holds_until, timestamp '9999-12-31') as valid_to,
        'risk_lists:' || list_name || ':' || entry_id || ':' || strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f') as row_key,
        coalesce(json_extract_string(attributes, '$.risk'), list_name) as risk
    from {{ ref('stg_risk_lists') }}
    where kind = 'wallet'
    union all
    select
        entry_id, valid_from, coalesce(holds_until, timestamp '9999-12-31'),
        'risk_lists:' || list_name || ':' || entry_id || ':' || strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f'), list_name
    from {{ ref('stg_risk_lists') }}
    where kind = 'wallet'
),

risky_checks as (
    select subject_id, system || ':' || check_id as check_key, check_name, result, ran_at
    from {{ ref('stg_risk_checks') }}
    where subject_type = 'deposit' and result in ('fail', 'review') and regexp_matches(lower(check_name), 'wallet|crypto|chain')
),

disowned as (
    select persons.person_id, proofs.instrument_id, proofs.occurred_at, 'kyc_events:' || proofs.provider || ':' || proofs.event_id as row_key
    from {{ ref('stg_kyc_events') }} as proofs
    inner join {{ ref('int_persons') }} as persons on proofs.client_id = persons.client_id
    where proofs.check = 'instrument_ownership' and proofs.result = 'fail' and proofs.instrument_id is not null
),

sources as (
    select person_id, instrument_id, min(occurred_at) as first_at from moves
    where flow = 'deposit' and instrument_id is not null
    group by person_id, instrument_id
),

found as (
    select moves.*, 1 as score, 'wallet on a list: ' || wallets.risk as detail, wallets.row_key as other_key
    from moves
    inner join wallets on moves.instrument_id = wallets.address and moves.occurred_at >= wallets.valid_from and moves.occurred_at < wallets.valid_to
    union all
    select moves.* exclude (subject_id), 0.8, 'check ' || risky_checks.check_name || ' gave ' || risky_checks.result, 'risk_checks:' || risky_checks.check_key
    from (select *, unnest(list_distinct([request_id, txn_id])) as subject_id from moves) as moves
    inner join risky_checks on moves.subject_id = risky_checks.subject_id
    where moves.flow = 'deposit'
    union all
    select moves.*, 0.8, 'address shown to be somebody else''s', disowned.row_key
    from moves
    inner join disowned on moves.person_id = disowned.person_id and moves.instrument_id = disowned.instrument_id
    union all
    select moves.*, 0.6, 'paid out to another address than coins came from', null
    from moves
    where
        moves.flow in ('payout', 'out')
        and moves.instrument_id is not null
        and moves.person_id in (select known.person_id from sources as known where known.first_at <= moves.asked_at)
        and (moves.person_id, moves.instrument_id) not in (select (own.person_id, own.instrument_id) from sources as own)
)

select
    'A20' as scenario,
    rules.version,
    found.person_id,
    null::varchar as group_key,
    [found.client_id] as client_ids,
    found.asked_at as window_start,
    found.occurred_at as window_end,
    found.amount_eur,
    found.score,
    list_filter([found.flow_key, found.other_key], lambda key: key is not null) as evidence,
    found.detail,
    null::varchar as evaluated_on,
    rules.parameters,
    found.recorded_at
from found
{{ rules_in_force('A20', 'found', 'found.occurred_at') }}
