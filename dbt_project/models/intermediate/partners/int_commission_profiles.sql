-- Deals that no rule tells apart share a profile, so that the rate card stays small: only symbols, groups and account types that some rule
-- names count; everything else is ''.
with rules as (select * from {{ ref('stg_commission_rules') }}),

symbols as (
    select distinct
        symbol,
        coalesce(symbol_group, '') as symbol_group
    from {{ ref('stg_symbols') }}
),

named_types as (
    select '' as account_type
    union
    select account_type from rules where account_type is not null
),

symbol_classes as (
    select
        symbol,
        symbol_group,
        case when symbol in (select rules.symbol from rules) then symbol else '' end as symbol_key,
        case when symbol_group in (select rules.symbol_group from rules) then symbol_group else '' end as group_key
    from symbols
    union
    select
        '' as symbol,
        '' as symbol_group,
        '' as symbol_key,
        '' as group_key
)

select
    symbol_classes.symbol,
    symbol_classes.symbol_group,
    named_types.account_type,
    dense_rank() over (order by symbol_classes.symbol_key, symbol_classes.group_key, named_types.account_type) as profile_id,
    symbol_classes.symbol_key,
    symbol_classes.group_key,
    named_types.account_type as type_key
from symbol_classes
cross join named_types
