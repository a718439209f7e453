{{ config(meta={'owner': 'payments', 'sorted_by': ['instrument_id', 'client_id']}) }}

with uses as (
    select
        client_id,
        instrument_id,
        method,
        instrument_holder,
        instrument_country,
        occurred_at,
        kind = 'deposit' and status = 'completed' as is_deposit,
        kind = 'withdrawal' and status = 'completed' as is_withdrawal
    from {{ ref('stg_psp_transactions') }}
    where instrument_id is not null and client_id is not null
    union all
    select
        client_id,
        instrument_id,
        null,
        null,
        null,
        occurred_at,
        false,
        false
    from {{ ref('stg_client_sessions') }}
    where event = 'instrument_added' and instrument_id is not null and client_id is not null
)

select
    client_id,
    instrument_id,
    arg_max(method, occurred_at) as method,
    arg_max(instrument_holder, occurred_at) as instrument_holder,
    arg_max(instrument_country, occurred_at) as instrument_country,
    min(occurred_at) as first_seen_at,
    max(occurred_at) as last_seen_at,
    count(*) filter (where is_deposit) as deposits,
    count(*) filter (where is_withdrawal) as withdrawals,
    count(*) over (partition by instrument_id) as clients,
    {{ run_id() }} as _run_id
from uses
group by client_id, instrument_id
