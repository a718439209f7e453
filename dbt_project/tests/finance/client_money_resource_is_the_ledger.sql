-- Invariant 6 of domain 8.3: the resource of the client-money calculation is the client bank accounts of the ledger, entity by entity and to the cent.
-- That it covers the requirement is a fact about the broker (client_money_is_funded); that both say the same is ours to keep.
{{ config(severity='error') }}
with calculated as (
    select
        entity,
        currency,
        arg_max(resource, day) as resource
    from {{ ref('fct_client_money_daily') }}
    group by entity, currency
),

ledger as (
    select
        entity,
        currency,
        sum(balance) as balance
    from {{ ref('fct_trial_balance') }}
    where account_code = '1010' and day = (select max(newest.day) from {{ ref('fct_trial_balance') }} as newest)
    group by entity, currency
)

select
    calculated.entity,
    calculated.currency,
    calculated.resource,
    ledger.balance
from calculated
left join ledger on calculated.entity = ledger.entity and calculated.currency = ledger.currency
where calculated.resource <> coalesce(ledger.balance, 0) and {{ built_alike(['fct_client_money_daily', 'fct_trial_balance']) }}
