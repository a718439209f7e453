{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['platform', 'deal_id'],
    meta={'owner': 'dealing', 'control_totals': ['volume_lots', 'profit', 'swap', 'commission', 'fee', 'notional_usd'], 'sorted_by': ['client_id', 'executed_at']}
) }}

-- `not materialized`: read twice, the scan is cheaper than a copy of the history
with deals as not materialized (select * from {{ ref('stg_deals') }}),

-- a null end as the far future: an `or` in a join's condition would make it a nested loop
accounts as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_accounts') }}),

symbols as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_symbols') }}),

hourly_rates as (select * from {{ ref('int_fx_usd_hours') }}),

newest_rates as (select * from {{ ref('int_fx_usd') }} where valid_to is null),

{% if is_incremental() -%}
known as not materialized (select *, version as _version from {{ this }}),

new_deals as (
    select feed_rows.*
    from {{ source('raw', 'deals') }} as feed_rows
    {{ new_latest_version('deals', ['platform', 'deal_id']) }}
),

-- positions that a new deal may have opened earlier than was known
touched_positions as (
    select distinct
        new_deals.platform,
        new_deals.position_id
    from new_deals
    where new_deals.position_id is not null
    union
    -- a correction may take a deal out of the position it was in
    select
        known.platform,
        known.position_id
    from known
    inner join new_deals on known.platform = new_deals.platform and known.deal_id = new_deals.deal_id
    where new_deals._version > 1 and known.position_id is not null
),

-- of those positions what was known and is not sent anew
known_parts as (
    select
        known.platform,
        known.deal_id,
        known.position_id,
        known.executed_at,
        known.entry,
        known.is_cancelled,
        known.opened_at
    from known
    inner join touched_positions on known.platform = touched_positions.platform and known.position_id = touched_positions.position_id
    where (known.platform, known.deal_id) not in (select (sent.platform, sent.deal_id) from new_deals as sent)
),

openings as (
    select
        parts.platform,
        parts.position_id,
        min(parts.executed_at) as opened_at
    from (
        select platform, position_id, executed_at, entry, is_cancelled from known_parts
        union all
        select platform, position_id, executed_at, entry, is_cancelled from new_deals
    ) as parts
    where parts.entry in ('in', 'inout') and not coalesce(parts.is_cancelled, false) and parts.position_id is not null
    group by parts.platform, parts.position_id
),

-- what a late row of a dimension changes: deals already known whose figures would now differ
touched as (
    select
        known_parts.platform,
        known_parts.deal_id
    from known_parts
    left join openings on known_parts.platform = openings.platform and known_parts.position_id = openings.position_id
    where known_parts.opened_at is distinct from openings.opened_at
    {%- if has_new_loads(['trading_accounts', 'clients']) %}
    union
    select
        known.platform,
        known.deal_id
    from known
    inner join accounts
        on
            known.platform = accounts.platform
            and known.login = accounts.login
            and known.executed_at >= accounts.valid_from
            and known.executed_at < accounts.valid_to
    where
        {{ new_rows('accounts') }}
        and (
            known.client_id is distinct from accounts.client_id
            or known.entity is distinct from accounts.entity
            or known.currency is distinct from accounts.currency
            or known.account_type is distinct from accounts.account_type
            or known.book is distinct from accounts.book
            or known.is_demo is distinct from accounts.is_demo
            or known.is_test is distinct from accounts.is_test
        )
    {%- endif %}
    {%- if has_new_loads(['symbols']) %}
    union
    select
        known.platform,
        known.deal_id
    from known
    inner join symbols
        on
            known.platform = symbols.platform
            and known.symbol = symbols.symbol
            and known.executed_at >= symbols.valid_from
            and known.executed_at < symbols.valid_to
    where
        {{ new_rows('symbols') }}
        and (
            known.symbol_group is distinct from symbols.symbol_group
            or known.asset_class is distinct from symbols.asset_class
            or known.contract_size is distinct from symbols.contract_size
            or known.quote_currency is distinct from symbols.quote_currency
            or known.notional_currency is distinct from symbols.notional_currency
        )
    {%- endif %}
    {%- if has_new_loads(['fx_rates']) %}
    union
    select
        known.platform,
        known.deal_id
    from known
    inner join hourly_rates
        on
            known.notional_currency = hourly_rates.currency
            and date_trunc('hour', known.executed_at) = hourly_rates.hour_at
            and known.executed_at >= hourly_rates.valid_from
            and known.executed_at < hourly_rates.valid_to
    where
        {{ new_rows('hourly_rates') }}
        and known.executed_at >= (select min(changed.hour_at) from hourly_rates as changed where {{ new_rows('changed') }})
        and known.fx_rate_usd is distinct from hourly_rates.rate_to_usd
    union
    select
        known.platform,
        known.deal_id
    from known
    inner join newest_rates
        on known.notional_currency = newest_rates.currency and known.executed_at >= newest_rates.valid_from
    where {{ new_rows('newest_rates') }} and known.fx_rate_usd is distinct from newest_rates.rate_to_usd
    {%- endif %}
),

{% set read = ['platform', 'deal_id', 'order_id', 'position_id', 'login', 'executed_at', 'action', 'is_cancelled', 'reference', 'entry', 'symbol',
    'volume_lots', 'price', 'profit', 'swap', 'commission', 'fee', 'bid', 'ask', 'reason', 'comment', 'recorded_at', '_load_id', '_row_number', '_version'] -%}
selected as (
    select {{ read | join(', ') }} from new_deals
    union all
    select {% for column in read %}known.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from known
    inner join touched on known.platform = touched.platform and known.deal_id = touched.deal_id
    where (known.platform, known.deal_id) not in (select (sent.platform, sent.deal_id) from new_deals as sent)
),

position_openings as (
    select * from openings
    union all
    -- deals touched for another reason keep their opening
    select distinct
        known.platform,
        known.position_id,
        known.opened_at
    from known
    inner join touched on known.platform = touched.platform and known.deal_id = touched.deal_id
    where
        known.opened_at is not null
        and (known.platform, known.position_id) not in (select (new_ones.platform, new_ones.position_id) from touched_positions as new_ones)
),
{%- else -%}
selected as (select * from deals),

position_openings as (
    select
        platform,
        position_id,
        min(executed_at) as opened_at
    from deals
    where entry in ('in', 'inout') and position_id is not null and not coalesce(is_cancelled, false)
    group by platform, position_id
),
{%- endif %}

priced as (
    select
        selected.*,
        accounts.client_id,
        accounts.entity,
        accounts.account_type,
        accounts.currency,
        accounts.book,
        coalesce(accounts.is_demo, false) as is_demo,
        coalesce(accounts.is_test, false) as is_test,
        symbols.symbol_group,
        symbols.asset_class,
        symbols.contract_size,
        symbols.quote_currency,
        symbols.notional_currency,
        {{ narrow_units('selected.volume_lots', 'symbols.contract_size') }} as units,
        coalesce(hourly_rates.rate_to_usd, newest_rates.rate_to_usd) as fx_rate_usd,
        position_openings.opened_at
    from selected
    left join accounts
        on
            selected.platform = accounts.platform
            and selected.login = accounts.login
            and selected.executed_at >= accounts.valid_from
            and selected.executed_at < accounts.valid_to
    left join symbols
        on
            selected.platform = symbols.platform
            and selected.symbol = symbols.symbol
            and selected.executed_at >= symbols.valid_from
            and selected.executed_at < symbols.valid_to
    left join hourly_rates
        on
            symbols.notional_currency = hourly_rates.currency
            and date_trunc('hour', selected.executed_at) = hourly_rates.hour_at
            and selected.executed_at >= hourly_rates.valid_from
            and selected.executed_at < hourly_rates.valid_to
    left join newest_rates
        on symbols.notional_currency = newest_rates.currency and selected.executed_at >= newest_rates.valid_from
    left join position_openings
        on selected.platform = position_openings.platform and selected.position_id = position_openings.position_id
)

select
    platform,
    deal_id,
    login,
    client_id,
    entity,
    executed_at,
    action,
    entry,
    symbol,
    symbol_group,
    volume_lots,
    price,
    coalesce(profit, 0) as profit,
    coalesce(swap, 0) as swap,
    coalesce(commission, 0) as commission,
    coalesce(fee, 0) as fee,
    currency,
    case when action in ('buy', 'sell') then
        {{ notional_usd('units', 'volume_lots', 'contract_size', 'asset_class', 'price', 'fx_rate_usd') }}
    end as notional_usd,
    fx_rate_usd,
    case when entry <> 'in' then date_diff('second', opened_at, executed_at) end as holding_seconds,
    book,
    order_id,
    position_id,
    reference,
    reason,
    comment,
    bid,
    ask,
    coalesce(is_cancelled, false) as is_cancelled,
    is_demo,
    is_test,
    account_type,
    asset_class,
    contract_size,
    quote_currency,
    notional_currency,
    opened_at,
    _version as version,
    recorded_at,
    _load_id,
    _row_number,
    {{ horizon_load_id() }} as _horizon_load_id,
    {{ run_id() }} as _run_id
from priced
