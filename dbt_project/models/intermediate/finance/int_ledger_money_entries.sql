{{ config(materialized='incremental', incremental_strategy='append', tags=['stepwise']) }}

{#- The entries of the money feeds, one row each, their amounts side by side. What is due is a function of the latest state of raw alone; it is
    compared with what stands: what differs is reversed and made anew, so that the order in which files arrive never shows in the net state. -#}
{%- set components = ledger_components() %}
{%- set terms = ledger_terms() %}
{#- Of what trades alone bring about, only the partners' accruals, what was decided on them, and the credit that covers a loss are money of this kind. -#}
{%- set only_trades = only_trades_came() %}
{%- set columns = ['event_key', 'source_feed', 'source_key', 'entry_type'] + terms %}

with due as (
    select
        {% for column in columns -%}
        {{ column }},
        {% endfor -%}
        {% for component in components -%}
        coalesce({{ component }}, 0)::decimal(38, 8) as {{ component }},
        {% endfor -%}
        source_load_id,
        source_row_number
    from {{ ref('int_ledger_money_events') }}
    where
        reason is null
        -- matched to what posts already, and nothing of its own besides
        and (event_kind <> 'payout_matched' or fee <> 0)
        {%- if only_trades %}
        and (source_feed in ('commission_accruals', 'commission_decisions') or (source_feed = 'deals' and event_kind = 'credit_absorbed'))
        {%- endif %}
),

{% if is_incremental() -%}
made as (
    select * from {{ this }}
    where
        sign = 1
        {%- if only_trades %}
        and (source_feed in ('commission_accruals', 'commission_decisions') or (source_feed = 'deals' and entry_type = 'credit_absorbed'))
        {%- endif %}
),

last_entries as (
    select * from made
    where (event_key, version + 1) not in (select (later.event_key, later.version) from made as later where later.version > 1)
),

standing as (
    select * from last_entries
    where entry_id not in (select undone.reverses_entry_id from {{ this }} as undone where undone.sign = -1)
),

reversals as (
    select
        standing.* exclude (source_load_id, source_row_number),
        coalesce(due.source_load_id, standing.source_load_id) as source_load_id,
        coalesce(due.source_row_number, standing.source_row_number) as source_row_number
    from standing
    left join due on standing.event_key = due.event_key
    where
        due.event_key is null
        {%- for term in terms + components %}
        or standing.{{ term }} is distinct from due.{{ term }}
        {%- endfor %}
),

entries as (
    select
        due.*,
        coalesce(last_entries.version, 0) + 1 as version
    from due
    left join last_entries on due.event_key = last_entries.event_key
    left join standing on due.event_key = standing.event_key
    left join reversals on due.event_key = reversals.event_key
    where standing.event_key is null or reversals.event_key is not null
)
{%- else -%}
entries as (
    select
        *,
        1 as version
    from due
)
{%- endif %}

select
    event_key || ':v' || version as entry_id,
    null::varchar as reverses_entry_id,
    1::tinyint as sign,
    version::integer as version,
    {% for column in columns + components -%}
    {{ column }},
    {% endfor -%}
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
    {% for column in columns -%}
    {{ column }},
    {% endfor -%}
    {% for component in components -%}
    -{{ component }} as {{ component }},
    {% endfor -%}
    source_load_id,
    source_row_number,
    {{ known_at() }} as recorded_at,
    {{ horizon_load_id() }} as _horizon_load_id
from reversals
{%- endif %}
