{{ config(materialized='view') }}

-- Decisions on commission, each in the currency of what it decides on. A payout in a currency in which nothing was ever approved for the partner pays,
-- converted, all that is payable in the currency of the latest approval: there it has no amount of its own, and what left stands beside it.
with decisions as (select * from {{ ref('stg_commission_decisions') }}),

converted as (
    select
        paid.event_id,
        arg_max(approved.currency, (approved.occurred_at, approved.event_id)) as owed_currency
    from decisions as paid
    inner join decisions as approved
        on
            paid.partner_id = approved.partner_id
            and paid.occurred_at >= approved.occurred_at
    where
        paid.event = 'paid'
        and paid.amount is not null
        and approved.event = 'approved'
        and approved.currency is not null
    group by paid.event_id, paid.currency
    having not bool_or(approved.currency = paid.currency)
)

select
    decisions.* replace (
        coalesce(converted.owed_currency, decisions.currency) as currency,
        case when converted.event_id is null then decisions.amount end as amount
    ),
    case when converted.event_id is not null then decisions.amount end as paid_amount,
    case when converted.event_id is not null then decisions.currency end as paid_currency
from decisions
left join converted on decisions.event_id = converted.event_id
