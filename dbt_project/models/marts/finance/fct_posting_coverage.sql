{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['rule_id'],
    meta={'owner': 'finance', 'control_totals': ['entries', 'reversals']}
) }}

with rules as (
    select distinct
        rule_id,
        source_feed,
        event_kind,
        condition,
        entry_type,
        description
    from {{ ref('posting_rules') }}
),

new_entries as (
    select
        rule_id,
        count(*) filter (where reverses_entry_id is null) as entries,
        count(*) filter (where reverses_entry_id is not null) as reversals,
        min(occurred_at) as first_occurred_at,
        max(occurred_at) as last_occurred_at,
        arg_max(entry_id, (recorded_at, occurred_at, entry_id)) as last_entry_id
    from {{ ref('fct_journal_entries') }}
    where _horizon_load_id > {{ high_water() }}
    group by rule_id
),

counted as (
    select
        rules.*,
        {% if is_incremental() -%}
        coalesce(new_entries.entries, 0) + coalesce(known.entries, 0) as entries,
        coalesce(new_entries.reversals, 0) + coalesce(known.reversals, 0) as reversals,
        least(new_entries.first_occurred_at, known.first_occurred_at) as first_occurred_at,
        greatest(new_entries.last_occurred_at, known.last_occurred_at) as last_occurred_at,
        coalesce(new_entries.last_entry_id, known.last_entry_id) as last_entry_id
        {%- else -%}
        coalesce(new_entries.entries, 0) as entries,
        coalesce(new_entries.reversals, 0) as reversals,
        new_entries.first_occurred_at,
        new_entries.last_occurred_at,
        new_entries.last_entry_id
        {%- endif %}
    from rules
    {% if is_incremental() -%}
    inner join new_entries on rules.rule_id = new_entries.rule_id
    left join {{ this }} as known on rules.rule_id = known.rule_id
    {%- else -%}
    left join new_entries on rules.rule_id = new_entries.rule_id
    {%- endif %}
)

select
    rule_id,
    source_feed,
    event_kind,
    condition,
    entry_type,
    description,
    entries::bigint as entries,
    reversals::bigint as reversals,
    first_occurred_at,
    last_occurred_at,
    last_entry_id,
    {{ run_id() }} as _run_id
from counted
