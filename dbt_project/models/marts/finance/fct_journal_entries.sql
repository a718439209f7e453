{#- int_ledger_closed_days is read only where a period is closed. -#}
-- depends_on: {{ ref('int_ledger_closed_days') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags=['stepwise'],
    meta={'owner': 'finance', 'sorted_by': ['client_id', 'occurred_at']}
) }}

with deal_entries as (
    select * from {{ ref('int_ledger_deal_entries') }}
    where _horizon_load_id > {{ high_water() }}
),

money_entries as (
    select * from {{ ref('int_ledger_money_entries') }}
    where _horizon_load_id > {{ high_water() }}
),

rules as (select distinct rule_id, description from {{ ref('posting_rules') }}),

entries as (
    select
        entry_id,
        entry_type,
        'deals' as source_feed,
        platform || ':' || deal_id as source_key,
        version,
        rule_id,
        client_id,
        entity,
        occurred_at,
        recorded_at,
        reverses_entry_id,
        source_load_id,
        source_row_number,
        _horizon_load_id
    from deal_entries
    union all
    select
        entry_id,
        entry_type,
        source_feed,
        source_key,
        version,
        rule_id,
        client_id,
        entity,
        occurred_at,
        recorded_at,
        reverses_entry_id,
        source_load_id,
        source_row_number,
        _horizon_load_id
    from money_entries
)

select
    entries.entry_id,
    entries.entry_type,
    entries.source_feed,
    entries.source_key,
    entries.version,
    entries.rule_id,
    entries.client_id,
    entries.entity,
    entries.occurred_at,
    entries.recorded_at,
    {{ booked_on('entries') }} as booked_on,
    entries.reverses_entry_id,
    rules.description,
    entries.source_load_id,
    entries.source_row_number,
    entries._horizon_load_id,
    {{ run_id() }} as _run_id
from entries
inner join rules on entries.rule_id = rules.rule_id
{{ join_closed_days('entries') }}
