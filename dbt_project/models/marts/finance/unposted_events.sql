-- Nothing disappears: every event that moves money and that no rule posts, with the reason.
-- each of the few reasons is looked for in its own column, so that of the many posted deals nothing more is read
with deals as (
    select * from {{ ref('int_ledger_deals') }} where is_demo
    union all
    select * from {{ ref('int_ledger_deals') }} where is_test and not is_demo
    union all
    select * from {{ ref('int_ledger_deals') }} where currency is null and not is_test and not is_demo
    union all
    select * from {{ ref('int_ledger_deals') }} where action not in ('buy', 'sell') and currency is not null and not is_test and not is_demo
),

rules as (
    select distinct event_kind from {{ ref('posting_rules') }}
    where source_feed = 'deals' and condition = 'any'
),

money_events as (select * from {{ ref('int_ledger_money_events') }}),

unposted as (
    select
        'deals' as source_feed,
        deals.platform || ':' || deals.deal_id as source_key,
        case
            when deals.is_demo then 'demo'
            when deals.is_test then 'test'
            when deals.currency is null then 'account_unknown'
            else 'no_rule'
        end as reason,
        deals.action as event_kind,
        deals.client_id,
        deals.entity,
        deals.currency,
        deals.profit + deals.swap + deals.commission + deals.fee as amount,
        deals.executed_at as occurred_at
    from deals
    left join rules on rules.event_kind = case when deals.action in ('buy', 'sell') then 'trade' else deals.action end
    where
        deals.action <> 'balance'
        and not deals.is_cancelled
        and (deals.profit <> 0 or deals.swap <> 0 or deals.commission <> 0 or deals.fee <> 0)
        and (deals.is_demo or deals.is_test or deals.currency is null or rules.event_kind is null)
    union all
    select
        source_feed,
        source_key,
        reason,
        event_kind,
        client_id,
        entity,
        currency,
        amount,
        occurred_at
    from money_events
    where reason <> 'nothing to post'
)

select
    source_feed,
    source_key,
    reason,
    event_kind,
    client_id,
    entity,
    currency,
    amount::decimal(38, 8) as amount,
    occurred_at,
    {{ run_id() }} as _run_id
from unposted
