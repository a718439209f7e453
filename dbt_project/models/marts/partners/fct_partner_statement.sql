{{ config(meta={'owner': 'partners', 'control_totals': ['accrued', 'paid', 'closing'], 'sorted_by': ['partner_id', 'period']}) }}

with events as (
    select
        *,
        strftime(occurred_at, '%Y-%m') as month
    from {{ ref('int_ledger_partner_events') }}
    where reason is null and currency is not null
),

-- each event on the balances of the partner: accrued and open, payable, held back, to be taken back; positive is owed to the partner
movements as (
    select
        partner_id,
        currency,
        month as period,
        sum(case when event_kind = 'accrued' then amount else 0 end) as accrued,
        sum(case when event_kind = 'adjusted' then amount else 0 end) as adjusted,
        sum(case when event_kind = 'clawed_back' then amount else 0 end) as clawed_back,
        sum(case when event_kind = 'approved' then amount else 0 end) as approved,
        sum(case event_kind when 'paid' then net_amount when 'failed' then -amount when 'returned' then -amount else 0 end) as paid,
        sum(case
            when event_kind in ('accrued', 'adjusted') then amount
            when event_kind = 'approved' or condition = 'before_approval' then -amount
            else 0
        end) as open_moved,
        sum(case event_kind
            when 'approved' then net_amount when 'paid' then -amount when 'released' then amount when 'failed' then amount when 'returned' then amount else 0
        end) as payable_moved,
        sum(case event_kind when 'approved' then difference when 'released' then -amount else 0 end) as held_back_moved,
        sum(case when event_kind = 'released' then amount else 0 end) as released
    from events
    where condition <> 'no_amount' and event_kind <> 'held'
    group by partner_id, currency, month
),

client_months as (
    select
        partner_id,
        currency,
        period,
        client_id,
        accrued_at,
        sum(amount) as amount,
        sum(amount_usd) as amount_usd
    from {{ ref('int_partner_client_months') }}
    group by partner_id, currency, period, client_id, accrued_at
),

held_clients as (
    select distinct
        partner_id,
        currency,
        client_id
    from {{ ref('fct_commission_flags') }}
),

held_periods as (
    select
        partner_id,
        period
    from {{ ref('stg_commission_decisions') }}
    where (event = 'held' or (event = 'released' and amount is null)) and accrual_id is null
    group by partner_id, period
    having arg_max(event, (occurred_at, event_id)) = 'held'
),

coverage as (select * from {{ ref('int_commission_coverage') }} where accrual_id is null),

-- what no approval has covered yet and something holds
held as (
    select
        client_months.partner_id,
        client_months.currency,
        client_months.period,
        sum(client_months.amount) as held
    from client_months
    left join held_clients
        on
            client_months.partner_id = held_clients.partner_id
            and client_months.currency = held_clients.currency
            and client_months.client_id = held_clients.client_id
    left join held_periods on client_months.partner_id = held_periods.partner_id and client_months.period = held_periods.period
    where
        (held_clients.partner_id is not null or held_periods.partner_id is not null)
        and not exists (
            select 1 from coverage
            where
                coverage.partner_id = client_months.partner_id
                and coverage.currency = client_months.currency
                and (coverage.period = client_months.period or (coverage.takes_earlier and coverage.period > client_months.period))
                and coverage.known_at >= client_months.accrued_at
                and not list_contains(coverage.held_clients, client_months.client_id)
        )
    group by client_months.partner_id, client_months.currency, client_months.period
),

account_months as (
    select
        days.client_id,
        strftime(days.day, '%Y-%m') as period,
        sum(days.lots) as lots,
        sum(
            coalesce(days.spread_usd, 0)
            - ((case when days.book = 'B' then days.trade_profit else 0 end + days.trade_swap + days.trade_commission)::decimal(28, 8)
                * coalesce(rates.rate_to_usd, 0)::decimal(18, 8))::decimal(38, 8)
        ) as revenue_usd
    from {{ ref('fct_account_daily') }} as days
    left join {{ ref('int_fx_usd_days') }} as rates on days.currency = rates.currency and days.day = rates.day
    where days.deals > 0 and not days.is_demo and not days.is_test and days.client_id is not null
    group by days.client_id, strftime(days.day, '%Y-%m')
),

-- a share of a month's net revenue is of all who stood under its direct partner in it
sharing_clients as (
    select distinct
        lines.partner_id,
        lines.currency,
        strftime(lines.executed_at, '%Y-%m') as period,
        client_partners.client_id
    from {{ ref('int_commission_periodic') }} as lines
    inner join {{ ref('int_client_partners') }} as client_partners
        on
            regexp_extract(lines.line_key, '^revenue_share:(.*):[0-9]{4}-[0-9]{2}:', 1) = client_partners.partner_id
            and lines.executed_at >= client_partners.valid_from
            and date_trunc('month', lines.executed_at) < client_partners.valid_to
    where lines.scheme = 'revenue_share' and lines.amount <> 0
),

paying_clients as (
    select
        partner_id,
        currency,
        period,
        client_id,
        sum(amount) as amount,
        sum(amount_usd) as amount_usd,
        bool_or(is_sharing) as is_sharing
    from (
        select partner_id, currency, period, client_id, amount, amount_usd, false as is_sharing from client_months
        union all
        select partner_id, currency, period, client_id, 0 as amount, 0 as amount_usd, true as is_sharing from sharing_clients
    ) as found
    group by partner_id, currency, period, client_id
),

earned as (
    select
        paying_clients.partner_id,
        paying_clients.currency,
        paying_clients.period,
        count(paying_clients.client_id) filter (
            where paying_clients.amount <> 0 or (paying_clients.is_sharing and account_months.lots > 0)
        ) as clients_active,
        sum(paying_clients.amount_usd) as accrued_usd,
        sum(account_months.lots) as lots,
        sum(account_months.revenue_usd) as revenue_usd
    from paying_clients
    left join account_months on paying_clients.client_id = account_months.client_id and paying_clients.period = account_months.period
    group by paying_clients.partner_id, paying_clients.currency, paying_clients.period
),

running as (
    select
        *,
        sum(accrued + adjusted - clawed_back - paid) over so_far as closing,
        sum(open_moved) over so_far as open_accruals,
        sum(payable_moved) over so_far as payable,
        sum(held_back_moved) over so_far as held_back
    from movements
    window so_far as (partition by partner_id, currency order by period)
)

select
    running.partner_id,
    running.period,
    running.currency,
    (running.closing - running.accrued - running.adjusted + running.clawed_back + running.paid)::decimal(38, 8) as opening,
    running.accrued::decimal(38, 8) as accrued,
    coalesce(held.held, 0)::decimal(38, 8) as held,
    running.approved::decimal(38, 8) as approved,
    running.paid::decimal(38, 8) as paid,
    (running.adjusted - running.clawed_back)::decimal(38, 8) as adjustments,
    running.clawed_back::decimal(38, 8) as clawed_back,
    running.closing::decimal(38, 8) as closing,
    running.open_accruals::decimal(38, 8) as open_accruals,
    running.payable::decimal(38, 8) as payable,
    running.held_back::decimal(38, 8) as held_back,
    running.released::decimal(38, 8) as released,
    (running.open_accruals + running.payable + running.held_back - running.closing)::decimal(38, 8) as to_take_back,
    coalesce(earned.lots, 0)::decimal(38, 8) as lots,
    coalesce(earned.clients_active, 0)::bigint as clients_active,
    coalesce(earned.accrued_usd, 0)::decimal(38, 8) as accrued_usd,
    coalesce(earned.revenue_usd, 0)::decimal(38, 8) as revenue_usd,
    case when earned.revenue_usd > 0 then {{ divide('earned.accrued_usd', 'earned.revenue_usd') }} end::decimal(18, 8) as effective_pct_of_revenue,
    {{ run_id() }} as _run_id
from running
left join earned on running.partner_id = earned.partner_id and running.currency = earned.currency and running.period = earned.period
left join held on running.partner_id = held.partner_id and running.currency = held.currency and running.period = held.period
