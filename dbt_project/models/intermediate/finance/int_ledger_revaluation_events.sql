{{ config(materialized='view') }}

-- Open currency positions (2090) at the end of each month, valued in the entity's base currency at the rates then in force. What the value changed by
-- since the month before is the event; a debit net is a loss. A month is revalued once a rate of a later moment is known.
with moves as (
    select * from {{ ref('int_ledger_transfer_events') }}
    where to_currency is not null
    union all by name
    select * from {{ ref('int_ledger_bank_events') }}
    where event_kind = 'own_conversion'
    union all by name
    select * from {{ ref('int_ledger_partner_events') }}
    where to_currency is not null
),

ruled as (
    {{ with_rule('moves') }}
),

positions as (
    select
        ruled.entity,
        case rules.currency_of when 'to_currency' then ruled.to_currency else ruled.currency end as currency,
        date_trunc('month', ruled.occurred_at) as month,
        sum(rules.sign * case rules.component when 'mid_amount' then ruled.mid_amount when 'net_amount' then ruled.net_amount else ruled.amount end)::decimal(38, 8) as amount
    from ruled
    inner join {{ ref('posting_rules') }} as rules on ruled.rule_id = rules.rule_id
    where ruled.reason is null and rules.account_code = '2090'
    group by all
),

bounds as (
    select
        entity,
        currency,
        min(month) as first_month
    from positions
    group by entity, currency
),

months as (
    select
        bounds.entity,
        bounds.currency,
        unnest(range(bounds.first_month, date_trunc('month', newest.quoted_at), interval 1 month)) as month
    from bounds
    cross join (select max(quoted_at) as quoted_at from {{ ref('stg_fx_rates') }}) as newest
),

balances as (
    select
        months.entity,
        months.currency,
        months.month,
        months.month + interval 1 month - interval 1 microsecond as ends_at,
        sum(coalesce(positions.amount, 0)) over (partition by months.entity, months.currency order by months.month) as amount
    from months
    left join positions on months.entity = positions.entity and months.currency = positions.currency and months.month = positions.month
),

based as (
    select
        balances.*,
        coalesce(entities.base_currency, 'USD') as base_currency
    from balances
    left join {{ ref('entities') }} as entities
        on
            balances.entity = entities.entity
            and balances.ends_at >= entities.valid_from
            and balances.ends_at < coalesce(entities.valid_to, timestamp '9999-12-31')
),

rates as (select currency, valid_from, rate_to_usd from {{ ref('int_fx_usd') }}),

in_usd as (
    select
        based.*,
        (based.amount * rates.rate_to_usd)::decimal(38, 8) as usd
    from based
    asof left join rates on based.currency = rates.currency and based.ends_at >= rates.valid_from
),

in_base as (
    select
        in_usd.entity,
        in_usd.month,
        in_usd.ends_at,
        in_usd.base_currency,
        case
            when in_usd.currency = in_usd.base_currency then in_usd.amount
            else {{ divide('in_usd.usd', 'rates.rate_to_usd') }}
        end as value
    from in_usd
    asof left join rates on in_usd.base_currency = rates.currency and in_usd.ends_at >= rates.valid_from
),

valued as (
    select
        entity,
        month,
        ends_at,
        base_currency,
        bool_or(value is null) as is_unknown,
        {{ to_minor_unit('sum(in_base.value)', 'any_value(coalesce(units.minor_digits, 2))') }} as value
    from in_base
    left join {{ ref('currency_units') }} as units on in_base.base_currency = units.currency
    group by entity, month, ends_at, base_currency
),

revalued as (
    select
        *,
        value - coalesce(lag(value) over (partition by entity order by month), 0) as amount
    from valued
)

select
    'fx_rates' as source_feed,
    entity || ':' || strftime(month, '%Y-%m') as source_key,
    'revaluation' as event_kind,
    case when amount < 0 then 'gain' else 'loss' end as condition,
    case when is_unknown then 'rate_unknown' end as reason,
    entity,
    base_currency as currency,
    amount::decimal(38, 8) as amount,
    ends_at as occurred_at,
    null::bigint as source_load_id,
    null::bigint as source_row_number
from revalued
where amount <> 0 or is_unknown
