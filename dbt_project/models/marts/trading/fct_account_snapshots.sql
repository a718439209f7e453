{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'owner': 'trading', 'sorted_by': ['platform', 'login', 'captured_at']}
) }}

select
    platform,
    login,
    captured_at,
    _version as version,
    balance,
    credit,
    equity,
    margin,
    free_margin,
    margin_level,
    floating_pnl,
    recorded_at,
    {{ run_id() }} as _run_id
from {{ source('raw', 'account_snapshots') }}
where {{ new_rows() }}
order by platform, login, captured_at
