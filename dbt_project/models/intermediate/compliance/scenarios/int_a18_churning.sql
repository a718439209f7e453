-- A18: a partner's client trades far beyond its means for the commission: of turnover, commission, short trades and loss of the means in a month
-- several are beyond their limits. Means are net deposits, as equity is not known for every account; who controls the signals is not evaluated.
with introduced as (
    select links.child_id as client_id, arg_max(links.parent_partner_id, links.valid_from) as partner_id, persons.person_id, persons.entity
    from {{ ref('stg_partner_links') }} as links
    inner join {{ ref('int_persons') }} as persons on links.child_id = persons.client_id and not persons.is_test
    where links.child_kind = 'client' and links.parent_partner_id is not null
    group by links.child_id, persons.person_id, persons.entity
),

rates as (select * from {{ ref('int_fx_usd_days') }}),

months as (
    select
        deals.client_id,
        date_trunc('month', deals.executed_at) as month,
        any_value(introduced.partner_id) as partner_id,
        any_value(introduced.person_id) as person_id,
        any_value(introduced.entity) as entity,
        count(*) as trades,
        sum(deals.notional_usd) as notional_usd,
        sum(((deals.profit + deals.swap + deals.commission + deals.fee)::decimal(28, 8) * coalesce(rates.rate_to_usd, 1)::decimal(18, 8))::decimal(38, 8)) as result_usd,
        sum((-(deals.commission + deals.fee)::decimal(28, 8) * coalesce(rates.rate_to_usd, 1)::decimal(18, 8))::decimal(38, 8)) as commission_usd,
        list(deals.holding_seconds) as holdings,
        min(deals.executed_at) as first_at,
        max(deals.executed_at) as last_at,
        arg_min('deals:' || deals.platform || ':' || deals.deal_id, deals.executed_at) as first_key,
        arg_max('deals:' || deals.platform || ':' || deals.deal_id, deals.executed_at) as last_key,
        max(deals.recorded_at) as known_at
    from {{ ref('fct_deals') }} as deals
    inner join introduced on deals.client_id = introduced.client_id
    left join rates on deals.currency = rates.currency and deals.executed_at::date = rates.day
    where deals.entry in ('out', 'out_by', 'inout') and deals.action in ('buy', 'sell') and not deals.is_cancelled and not deals.is_demo
    group by deals.client_id, date_trunc('month', deals.executed_at)
),

means as (
    select
        months.client_id,
        months.month,
        sum(flows.amount_usd) filter (where flows.flow = 'deposit') as paid_in_usd,
        coalesce(sum(flows.amount_usd) filter (where flows.flow = 'deposit'), 0) - coalesce(sum(flows.amount_usd) filter (where flows.flow = 'out'), 0) as means_usd
    from months
    inner join {{ ref('int_money_flows') }} as flows
        on months.client_id = flows.client_id and flows.occurred_at <= months.last_at and flows.flow in ('deposit', 'out')
    group by months.client_id, months.month
),

ruled as (
    select
        months.*,
        rules.version,
        rules.parameters,
        len(list_filter(months.holdings, lambda seconds: seconds < rules.parameters['short_seconds'])) as short_trades,
        means.means_usd,
        coalesce(months.notional_usd > rules.parameters['turnover'] * means.means_usd, false) as is_turned_over,
        coalesce(months.commission_usd > rules.parameters['commission_share'] * means.paid_in_usd, false) as is_dear,
        coalesce(-months.result_usd >= rules.parameters['equity_fall'] * means.means_usd, false) as is_lost
    from months
    {{ rules_in_force('A18', 'months', 'months.last_at') }}
    inner join means on months.client_id = means.client_id and months.month = means.month
    where means.means_usd > 0
),

judged as (
    select
        *,
        list_filter([
            case when is_turned_over then 'turnover ' || (notional_usd / means_usd)::integer || ' times the means' end,
            case when is_dear then 'commission USD ' || commission_usd::decimal(38, 2) end,
            case when short_trades >= parameters['short_share'] * trades then short_trades || ' of ' || trades || ' trades under ' || parameters['short_seconds']::integer || ' seconds' end,
            case when is_lost then 'lost USD ' || (-result_usd)::decimal(38, 2) end
        ], lambda said: said is not null) as indicators
    from ruled
)

select
    'A18' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    first_at as window_start,
    last_at as window_end,
    null::decimal(38, 8) as amount_eur,
    0.25 * len(indicators) as score,
    list_distinct([first_key, last_key]) as evidence,
    'introduced by ' || partner_id || ': ' || array_to_string(indicators, '; ') as detail,
    null::varchar as evaluated_on,
    parameters,
    known_at as recorded_at
from judged
where len(indicators) >= parameters['indicators']
