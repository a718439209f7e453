-- Every moment at which a rule of trigger_rules applied to a client, by today's knowledge; who is really written to is decided when it fires.
with rules as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('trigger_rules') }}),

clients as (select * from {{ ref('int_clients') }} where valid_to is null and not is_test),

firsts as (select * from {{ ref('int_client_firsts') }}),

account_days as (
    select * from {{ ref('fct_account_daily') }}
    where not is_demo and not is_test and client_id is not null
),

payments as (select * from {{ ref('int_payment_events') }} where not is_test and client_id is not null),

documents as (
    select * from {{ ref('stg_kyc_events') }}
    where event = 'document_received' and document_expires_on is not null and client_id is not null
),

withdrawals as (select * from {{ ref('fct_withdrawals') }}),

rates as (select * from {{ ref('int_fx_usd_days') }}),

trade_days as (
    select
        client_id,
        day,
        min(first_trade_at) as first_trade_at,
        max(last_trade_at) as last_trade_at,
        sum(deals) as deals
    from account_days
    where deals > 0
    group by client_id, day
),

trading as (
    select
        *,
        count(*) over (partition by client_id order by day range between interval 29 days preceding and current row) as days_traded,
        lead(first_trade_at, 1, timestamp '9999-12-31') over (partition by client_id order by day) as next_trade_at
    from trade_days
),

attempts as (
    select
        client_id,
        occurred_at,
        flow,
        psp,
        method,
        currency,
        lead(case when flow = 'deposit' then occurred_at end ignore nulls) over (
            partition by client_id order by occurred_at, flow desc
        ) as next_deposit_at
    from payments
    where flow in ('deposit', 'declined', 'failed')
),

levels as (
    select
        client_id,
        platform,
        login,
        captured_at,
        margin_level,
        lag(margin_level) over (partition by platform, login order by captured_at) as level_before
    from account_days
    where captured_at is not null
),

profits as (
    select
        account_days.client_id,
        account_days.day,
        max(account_days.last_trade_at) as occurred_at,
        sum((account_days.realised_pnl::decimal(28, 8) * coalesce(rates.rate_to_usd, 0))::decimal(38, 8)) as result_usd
    from account_days
    left join rates on account_days.currency = rates.currency and account_days.day = rates.day
    where account_days.deals > 0
    group by account_days.client_id, account_days.day
    having result_usd > 0
    qualify row_number() over (partition by account_days.client_id order by account_days.day) = 1
),

candidates as (
    select
        rules.rule,
        trading.client_id,
        trading.last_trade_at + to_days(rules.days) as fired_at,
        strftime(trading.day, '%Y-%m-%d') as key,
        {{ json_object_of({'last_trade_at': 'trading.last_trade_at', 'days_traded': 'trading.days_traded'}) }} as payload
    from trading
    inner join rules on rules.rule = 'no_order_14_days'
    where trading.days_traded >= rules.threshold and trading.next_trade_at >= trading.last_trade_at + to_days(rules.days)
    union all
    select
        rules.rule,
        attempts.client_id,
        attempts.occurred_at + to_days(rules.days) as fired_at,
        strftime(attempts.occurred_at, '%Y-%m-%dT%H:%M:%S') as key,
        {{ json_object_of({'failed_at': 'attempts.occurred_at', 'psp': 'attempts.psp', 'method': 'attempts.method', 'currency': 'attempts.currency'}) }} as payload
    from attempts
    inner join rules on rules.rule = 'failed_deposit'
    where attempts.flow <> 'deposit' and coalesce(attempts.next_deposit_at, timestamp '9999-12-31') > attempts.occurred_at + to_days(rules.days)
    union all
    select
        rules.rule,
        firsts.client_id,
        firsts.registered_at + to_days(rules.days) as fired_at,
        'registered' as key,
        {{ json_object_of({'registered_at': 'firsts.registered_at'}) }} as payload
    from firsts
    inner join rules on rules.rule = 'abandoned_onboarding'
    where coalesce(firsts.kyc_submitted_at, firsts.kyc_approved_at, timestamp '9999-12-31') > firsts.registered_at + to_days(rules.days)
    union all
    select
        rules.rule,
        firsts.client_id,
        firsts.first_deposit_at + to_days(rules.days) as fired_at,
        'first' as key,
        {{ json_object_of({'first_deposit_at': 'firsts.first_deposit_at'}) }} as payload
    from firsts
    inner join rules on rules.rule = 'funded_no_trade'
    where coalesce(firsts.first_trade_at, timestamp '9999-12-31') > firsts.first_deposit_at + to_days(rules.days)
    union all
    select
        rules.rule,
        documents.client_id,
        greatest(documents.document_expires_on - to_days(rules.days), documents.occurred_at) as fired_at,
        concat_ws(':', documents.document_type, documents.document_expires_on) as key,
        {{ json_object_of({'document_type': 'documents.document_type', 'expires_on': 'documents.document_expires_on'}) }} as payload
    from documents
    inner join rules on rules.rule = 'document_expiring'
    left join documents as renewed
        on
            documents.client_id = renewed.client_id
            and documents.document_type = renewed.document_type
            and renewed.document_expires_on > documents.document_expires_on
            and renewed.occurred_at <= greatest(documents.document_expires_on - to_days(rules.days), documents.occurred_at)
    where renewed.client_id is null
    union all
    select
        rules.rule,
        levels.client_id,
        levels.captured_at as fired_at,
        concat_ws(':', levels.platform, levels.login, strftime(levels.captured_at, '%Y-%m-%dT%H:%M:%S')) as key,
        {{ json_object_of({'platform': 'levels.platform', 'login': 'levels.login', 'margin_level': 'levels.margin_level::varchar'}) }} as payload
    from levels
    inner join rules on rules.rule = 'margin_level_low'
    where levels.margin_level < rules.threshold and coalesce(levels.level_before, 999) >= rules.threshold
    union all
    select
        rules.rule,
        profits.client_id,
        profits.occurred_at as fired_at,
        'first' as key,
        {{ json_object_of({'day': 'profits.day', 'result_usd': 'profits.result_usd::varchar'}) }} as payload
    from profits
    inner join rules on rules.rule = 'first_profit'
    union all
    select
        rules.rule,
        withdrawals.client_id,
        withdrawals.requested_at as fired_at,
        withdrawals.request_id as key,
        {{ json_object_of({
            'request_id': 'withdrawals.request_id', 'amount': 'withdrawals.amount::varchar', 'currency': 'withdrawals.currency'
        }) }} as payload
    from withdrawals
    inner join rates on withdrawals.currency = rates.currency and withdrawals.requested_at::date = rates.day
    inner join rules on rules.rule = 'large_withdrawal_request'
    where withdrawals.amount::decimal(28, 8) * rates.rate_to_usd >= rules.threshold
)

select
    concat_ws(':', candidates.rule, 'v' || rules.version, candidates.client_id, candidates.key) as trigger_id,
    candidates.rule,
    rules.version as rule_version,
    candidates.client_id,
    candidates.fired_at,
    candidates.payload
from candidates
inner join clients on candidates.client_id = clients.client_id
inner join rules
    on
        candidates.rule = rules.rule
        and candidates.fired_at >= rules.valid_from
        and candidates.fired_at < rules.valid_to
where candidates.fired_at <= {{ known_at() }}
qualify row_number() over (partition by candidates.rule, rules.version, candidates.client_id, candidates.key order by candidates.fired_at) = 1
