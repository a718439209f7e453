{{ config(materialized='incremental', incremental_strategy='append', tags=['stepwise']) }}
{#- Read only where new accounts have come. -#}
-- depends_on: {{ ref('fct_deals') }}
-- depends_on: {{ ref('int_accounts') }}

{#- Deals are many and each has one rule, so they have a path of their own: one row per entry, its amounts side by side; the lines are made from
    it once, in fct_postings. `balance` deals are matched to requests and go the way of the money feeds. -#}
{%- set terms = ['rule_id', 'client_id', 'entity', 'login', 'book', 'currency', 'occurred_at', 'profit', 'swap', 'commission', 'fee'] %}

with deals as (
    select *, case when action in ('buy', 'sell') then 'trade' else action end as event_kind
    from {{ ref('int_ledger_deals') }}
    {%- if is_incremental() %}
    where _horizon_load_id > {{ high_water() }}
    {%- if has_new_loads(['trading_accounts']) %}
    -- deals that waited for their account to be known
    union all
    select *, case when action in ('buy', 'sell') then 'trade' else action end as event_kind
    from {{ ref('int_ledger_deals') }}
    where
        _horizon_load_id <= {{ high_water() }}
        and (platform, deal_id) in (select (waiting.platform, waiting.deal_id) from {{ ref('fct_deals') }} as waiting where waiting.currency is null)
        and (platform, login) in (select (accounts.platform, accounts.login) from {{ ref('int_accounts') }} as accounts where {{ new_rows('accounts') }})
    {%- endif %}
    {%- endif %}
),

rules as (
    select distinct rule_id, entry_type, event_kind
    from {{ ref('posting_rules') }}
    where source_feed = 'deals' and condition = 'any'
),

due as (
    select
        deals.platform,
        deals.deal_id,
        rules.rule_id,
        rules.entry_type,
        deals.client_id,
        deals.entity,
        deals.login,
        deals.book,
        deals.currency,
        deals.executed_at as occurred_at,
        deals.profit,
        deals.swap,
        deals.commission,
        deals.fee,
        deals._load_id as source_load_id,
        deals._row_number as source_row_number
    from deals
    inner join rules on deals.event_kind = rules.event_kind
    where
        not deals.is_cancelled
        and not deals.is_demo
        and not deals.is_test
        and deals.currency is not null
        and (deals.profit <> 0 or deals.swap <> 0 or deals.commission <> 0 or deals.fee <> 0)
),

{% if is_incremental() -%}
-- a first version that has only now come has no entry yet; without any other the history is not read
rewritten as (select platform, deal_id from deals where version > 1 or _load_id <= {{ high_water() }}),

touched as (
    select known.*
    from {{ this }} as known
    inner join rewritten on known.platform = rewritten.platform and known.deal_id = rewritten.deal_id
    where known.sign = 1
),

last_entries as (
    select * from touched
    where (platform, deal_id, version + 1) not in (select (later.platform, later.deal_id, later.version) from touched as later)
),

standing as (
    select * from last_entries
    where entry_id not in (select reversals.reverses_entry_id from {{ this }} as reversals where reversals.sign = -1)
),

reversals as (
    select standing.*, deals._load_id as cause_load_id, deals._row_number as cause_row_number
    from standing
    inner join deals on standing.platform = deals.platform and standing.deal_id = deals.deal_id
    left join due on standing.platform = due.platform and standing.deal_id = due.deal_id
    where due.deal_id is null {%- for term in terms %} or standing.{{ term }} is distinct from due.{{ term }} {%- endfor %}
),

entries as (
    select due.*, coalesce(last_entries.version, 0) + 1 as version
    from due
    left join last_entries on due.platform = last_entries.platform and due.deal_id = last_entries.deal_id
    where (due.platform, due.deal_id) not in (select (kept.platform, kept.deal_id) from standing as kept where kept.entry_id not in (select reversals.entry_id from reversals))
)
{%- else -%}
entries as (select due.*, 1 as version from due)
{%- endif %}

select
    'deals:' || platform || ':' || deal_id || ':v' || version as entry_id,
    null::varchar as reverses_entry_id,
    1::tinyint as sign,
    version::integer as version,
    platform,
    deal_id,
    rule_id,
    entry_type,
    client_id,
    entity,
    login,
    book,
    currency,
    occurred_at,
    profit,
    swap,
    commission,
    fee,
    source_load_id,
    source_row_number,
    {{ known_at() }} as recorded_at,
    {{ horizon_load_id() }} as _horizon_load_id
from entries
{%- if is_incremental() %}
union all
select
    entry_id || ':reversal' as entry_id,
    entry_id as reverses_entry_id,
    -1::tinyint as sign,
    version,
    platform,
    deal_id,
    rule_id,
    entry_type,
    client_id,
    entity,
    login,
    book,
    currency,
    occurred_at,
    -profit as profit,
    -swap as swap,
    -commission as commission,
    -fee as fee,
    cause_load_id as source_load_id,
    cause_row_number as source_row_number,
    {{ known_at() }} as recorded_at,
    {{ horizon_load_id() }} as _horizon_load_id
from reversals
{%- endif %}
