{{ config(materialized='view') }}

-- The names of persons and companies on the lists, aliases as names of their own; countries, wallets, networks and addresses name nobody.
with entries as (
    select
        list_name,
        entry_id,
        valid_from,
        coalesce(holds_until, timestamp '9999-12-31') as valid_to,
        kind,
        birth_date,
        upper(country) as country,
        'risk_lists:' || list_name || ':' || entry_id || ':' || strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f') as row_key,
        unnest(list_distinct(list_filter([name] || coalesce(aliases, []), lambda one: one is not null and trim(one) <> ''))) as name,
        recorded_at
    from {{ ref('stg_risk_lists') }}
    where kind is null or kind not in ('country', 'wallet', 'asn', 'address')
)

select * from entries
