-- The practical limit: the shortest hand-written SQL that makes the result tables from the same loaded feeds, without dbt, tests, history or
-- increments. It knows what the simulated broker's data hold (one load, requests that go their usual way, plans without caps), takes the
-- posting rules from their data file as the models do, and reads the feeds through schema `raw` of the attached build file. The counts and
-- control totals of what it makes equal those of the marts: tests/bench proves it.
-- noqa: disable=AL08,AM05,LT01,LT08

-- section: setup
create schema trading;
create schema finance;
create schema partners;
create schema compliance;
create table posting_rules as from read_csv(getvariable('posting_rules'), all_varchar = false, types = {'account_code': 'varchar', 'line_no': 'integer', 'sign': 'decimal(3, 0)'});
create table ledger_accounts as from read_csv(getvariable('ledger_accounts'), types = {'account_code': 'varchar'});
create macro utc_end() as timestamp '9999-12-31';
create macro half_even(v, digits) as (case
    when abs(v - trunc(v, digits)) * 2 * 10 ** digits = 1 and (abs(trunc(v, digits)) * 10 ** digits)::hugeint % 2 = 0 then trunc(v, digits)
    else round(v, digits)
end)::decimal(38, 8);

-- section: deals
create temp table account as
select
    a.platform, a.login, a.changed_at as valid_from,
    lead(a.changed_at, 1, utc_end()) over (partition by a.platform, a.login order by a.changed_at) as valid_to,
    a.client_id, a.entity, a.account_type, a.currency, a.book, coalesce(a.is_demo, false) as is_demo, coalesce(c.is_test, false) as is_test
from (
    from raw.trading_accounts
    qualify row_number() over (partition by platform, login, changed_at order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
) as a
left join (select client_id, arg_max(coalesce(is_test, false), changed_at) as is_test from raw.clients group by client_id) as c using (client_id);

create temp table symbol as
select *, lead(valid_from, 1, utc_end()) over (partition by platform, symbol order by valid_from) as valid_to,
    if(asset_class = 'fx', base_currency, quote_currency) as notional_currency
from raw.symbols;

create temp table quote as
from raw.fx_rates where rate > 0
qualify row_number() over (partition by base_currency, quote_currency, quoted_at order by source_version desc nulls last, _load_id desc, _row_number desc) = 1;

create temp table usd as
with one as (
    select base_currency as currency, quoted_at as valid_from, rate::decimal(18, 8) as rate from quote where quote_currency = 'USD'
    union all
    select quote_currency, quoted_at,
        ((10000000000000000::hugeint // (rate::decimal(38, 8) * 100000000)::hugeint)::decimal(38, 0) * 0.00000001::decimal(9, 8))::decimal(18, 8)
    from quote where base_currency = 'USD'
)
select *, lead(valid_from, 1, utc_end()) over (partition by currency order by valid_from) as valid_to from one
union all
select 'USD', timestamp '1900-01-01', 1, utc_end();

create temp table usd_hour as
select *, unnest(range(date_trunc('hour', valid_from), least(valid_to, (select max(executed_at) + interval 1 hour from raw.deals)), interval 1 hour)) as hour_at
from usd where currency <> 'USD';

create temp table current_deal as
from raw.deals
anti join (
    from raw.deals semi join (select platform, deal_id from raw.deals where _version > 1) using (platform, deal_id)
    qualify row_number() over (partition by platform, deal_id order by source_version desc nulls last, _load_id desc, _row_number desc) > 1
) using (platform, deal_id, _load_id, _row_number);

create table trading.fct_deals as
with opening as (
    select platform, position_id, min(executed_at) as opened_at from current_deal
    where entry in ('in', 'inout') and not coalesce(is_cancelled, false) and position_id is not null
    group by platform, position_id
),
priced as (
    select d.*, a.* exclude (platform, login, valid_from, valid_to), s.symbol_group, s.asset_class, s.contract_size, s.quote_currency,
        s.notional_currency, if(s.notional_currency = 'USD', 1, u.rate)::decimal(18, 8) as fx_rate_usd, o.opened_at
    from current_deal as d
    left join account as a on d.platform = a.platform and d.login = a.login and d.executed_at >= a.valid_from and d.executed_at < a.valid_to
    left join symbol as s on d.platform = s.platform and d.symbol = s.symbol and d.executed_at >= s.valid_from and d.executed_at < s.valid_to
    left join usd_hour as u
        on s.notional_currency = u.currency and date_trunc('hour', d.executed_at) = u.hour_at
        and d.executed_at >= u.valid_from and d.executed_at < u.valid_to
    left join opening as o on d.platform = o.platform and d.position_id = o.position_id
)
select
    platform, deal_id, login, client_id, entity, executed_at, action, entry, symbol, symbol_group, volume_lots, price,
    coalesce(profit, 0)::decimal(38, 8) as profit, coalesce(swap, 0)::decimal(38, 8) as swap,
    coalesce(commission, 0)::decimal(38, 8) as commission, coalesce(fee, 0)::decimal(38, 8) as fee, currency,
    -- units are whole in fx and of two digits elsewhere, prices of six: multiplied so that nothing has to be cut
    case
        when action not in ('buy', 'sell') then null
        when asset_class = 'fx' then (volume_lots::decimal(18, 2) * contract_size::decimal(18, 0))::decimal(18, 0)::decimal(38, 0) * fx_rate_usd
        when fx_rate_usd = 1 then (volume_lots::decimal(18, 2) * contract_size::decimal(18, 0))::decimal(38, 2) * price::decimal(18, 6)
        else (((volume_lots::decimal(18, 2) * contract_size::decimal(18, 0))::decimal(38, 8) * price)::decimal(38, 8) * fx_rate_usd)::decimal(38, 8)
    end::decimal(38, 8) as notional_usd,
    fx_rate_usd, if(entry <> 'in', date_diff('second', opened_at, executed_at), null) as holding_seconds, book, order_id, position_id,
    reference, reason, comment, bid, ask, coalesce(is_cancelled, false) as is_cancelled, coalesce(is_demo, false) as is_demo,
    coalesce(is_test, false) as is_test, account_type, asset_class, contract_size, quote_currency, notional_currency, opened_at,
    _version as version, recorded_at, _load_id, _row_number
from priced;

-- section: commissions
create temp table link as
from raw.partner_links
qualify row_number() over (partition by child_kind, child_id, valid_from order by source_version desc nulls last, _load_id desc, _row_number desc) = 1;

-- a link that would close a cycle is as if never sent: its parent already stands below its child
create temp table tree_link as
with recursive ranged as (
    select child_id, parent_partner_id, valid_from, lead(valid_from, 1, utc_end()) over (partition by child_id order by valid_from) as valid_to
    from link where child_kind = 'partner'
),
up as (
    select child_id, valid_from, parent_partner_id as ancestor from ranged where parent_partner_id is not null
    union
    select up.child_id, up.valid_from, r.parent_partner_id from up
    join ranged as r on up.ancestor = r.child_id and up.valid_from >= r.valid_from and up.valid_from < r.valid_to and up.ancestor <> up.child_id
    where r.parent_partner_id is not null
)
select child_id, parent_partner_id, valid_from, lead(valid_from, 1, utc_end()) over (partition by child_id order by valid_from) as valid_to
from ranged where (child_id, valid_from) not in (select (child_id, valid_from) from up where ancestor = child_id);

create temp table partner as
select *, lead(changed_at, 1, utc_end()) over (partition by partner_id order by changed_at) as valid_to from (
    from raw.partners
    qualify row_number() over (partition by partner_id, changed_at order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
);

create temp table plan as
select plan_id, version, distribution, currency, coalesce((settings ->> 'max_levels')::integer, 1000) as max_levels,
    coalesce((settings ->> 'min_hold_seconds')::integer, 0) as min_hold_seconds, coalesce(settings ->> '$.exclude_reasons[*]', []) as exclude_reasons,
    valid_from, coalesce(valid_to, lead(valid_from, 1, utc_end()) over (partition by plan_id order by version)) as valid_to
from raw.commission_plans;

create temp table rule as
select *, lead(valid_from, 1, utc_end()) over (partition by plan_id, rule_id order by version) as ends_at,
    case when symbol is not null then if(account_type is not null, 1, 2) when symbol_group is not null then if(account_type is not null, 3, 4)
        when account_type is not null then 5 else 6 end as specificity
from raw.commission_rules;

-- a client that is a partner's person has a chain of its own: its own trades pay it nothing
create temp table client_partner as
select child_id as client_id, parent_partner_id as partner_id, valid_from, lead(valid_from, 1, utc_end()) over (partition by child_id order by valid_from) as valid_to,
    first_value(parent_partner_id ignore nulls) over (partition by child_id order by valid_from rows between 1 following and unbounded following) as next_partner_id,
    if(child_id in (select client_id from partner where client_id is not null), child_id, '') as own
from (
    select child_id, parent_partner_id, valid_from from link where child_kind = 'client'
    union all select distinct child_id, null, timestamp '1900-01-01' from link where child_kind = 'client'
);

create temp table chain as
with recursive tree as (
    select distinct partner_id as direct_id, partner_id, 1 as n, timestamp '1900-01-01' as valid_from, utc_end() as valid_to from partner
    union all
    select t.direct_id, l.parent_partner_id, n + 1, greatest(t.valid_from, l.valid_from), least(t.valid_to, l.valid_to)
    from tree as t join tree_link as l on t.partner_id = l.child_id and t.valid_from < l.valid_to and t.valid_to > l.valid_from
    where l.parent_partner_id is not null
),
change as (
    select plan_id, unnest([valid_from, valid_to]) as changed_at from plan union select plan_id, unnest([valid_from, ends_at]) from rule
),
edges as (
    select direct_id, unnest([valid_from, valid_to]) as edge from tree
    union select direct_id, changed_at from tree join partner using (partner_id)
    union select direct_id, change.changed_at from tree join partner using (partner_id) join change using (plan_id)
),
piece as (select direct_id, edge as valid_from, lead(edge) over (partition by direct_id order by edge) as valid_to from edges),
track as (select distinct partner_id as direct_id, own from client_partner where partner_id is not null union select distinct partner_id, '' from partner),
placed as (
    select track.own, c.direct_id, c.valid_from, c.valid_to, t.n, t.partner_id, p.client_id as person, p.status, p.rank as own_rank, v.plan_id, v.version as plan_version
    from piece as c join track using (direct_id)
    join tree as t on c.direct_id = t.direct_id and c.valid_from >= t.valid_from and c.valid_from < t.valid_to
    left join partner as p on t.partner_id = p.partner_id and c.valid_from >= p.changed_at and c.valid_from < p.valid_to
    left join plan as v on p.plan_id = v.plan_id and c.valid_from >= v.valid_from and c.valid_from < v.valid_to
    where c.valid_to is not null
)
select m.*, d.plan_id as direct_plan_id, pl.distribution, pl.currency, pl.min_hold_seconds, pl.exclude_reasons,
    case when m.own = d.person and m.own <> '' then 'self' when d.plan_id is null then 'unknown_plan'
    end as deal_reason,
    case when m.own = d.person and m.own <> '' then 'self' when d.plan_id is null then 'unknown_plan'
        when coalesce(m.status, 'active') <> 'active' then 'partner_inactive' when m.n > pl.max_levels then 'beyond_max_levels'
        when m.own = m.person and m.own <> '' then 'self' when m.plan_id is null then 'unknown_plan' end as member_reason
from placed as m join placed as d on m.own = d.own and m.direct_id = d.direct_id and m.valid_from = d.valid_from and d.n = 1
left join plan as pl on d.plan_id = pl.plan_id and m.valid_from >= pl.valid_from and m.valid_from < pl.valid_to
where m.own <> d.person or m.own = '' or d.person is null or m.n = 1;

-- symbols and account types that no rule tells apart are one kind
create temp table kind as
select *, dense_rank() over (order by symbol_key, group_key, type_key) as kind_id from (select s.symbol, s.symbol_group, a.account_type, if(s.symbol in (select symbol from rule), s.symbol, '') as symbol_key,
    if(s.symbol_group in (select symbol_group from rule), s.symbol_group, '') as group_key,
    if(a.account_type in (select account_type from rule), a.account_type, '') as type_key
    from (select distinct symbol, symbol_group from symbol) as s cross join (select distinct account_type from account) as a
);

-- the rate card: for each chain, piece of time and kind who is paid what; a deal meets it by equality, the time is the residue
create temp table card as
with rated as (
    select m.*, k.kind_id, r.scheme, r.rule_id, r.version as rule_version, r.rate as own_rate, r.currency as rate_currency,
        (r.parameters ->> 'rank_order')::integer as rank_order
    from chain as m cross join (select distinct kind_id, symbol_key, group_key, type_key from kind) as k
    left join rule as r on m.member_reason is null and m.plan_id = r.plan_id and m.valid_from >= r.valid_from and m.valid_from < r.ends_at
        and (r.level = m.n or (r.level is null and m.distribution <> 'level')) and r.scheme <> 'cpa'
        and if(m.distribution = 'rank', r.rank = m.own_rank, r.rank is null)
        and coalesce(r.symbol, k.symbol_key) = k.symbol_key and coalesce(r.symbol_group, k.group_key) = k.group_key
        and coalesce(r.account_type, k.type_key) = k.type_key
    -- a plan with acquisitions alone has no zero rows
    where r.rule_id is not null or m.plan_id is null or m.plan_id not in (select plan_id from rule group by plan_id having bool_and(scheme = 'cpa'))
    qualify row_number() over (
        partition by m.direct_id, m.own, m.valid_from, m.n, k.kind_id, r.scheme order by r.specificity, r.level nulls last
    ) = 1
),
-- of ranks the rates of all above the highest paid below, of a share of the child the product up the chain
climbed as (
    select *, max(if(member_reason is null, rank_order, null)) over w as rank_below,
        if(distribution = 'share_of_child' and count(*) filter (where member_reason is null and rule_id is not null) over w = n - 1,
            coalesce(list_reduce(list(own_rate::decimal(38, 12)) over w, lambda a, b: (a * b::decimal(18, 8))::decimal(38, 12)), 1), 0) as child_rate
    from rated
    window w as (partition by direct_id, own, valid_from, kind_id, scheme order by n rows between unbounded preceding and 1 preceding)
),
rung as (
    select c.direct_id, c.own, c.valid_from, c.kind_id, c.n, sum(r.rate) as rate from climbed as c
    join rule as r on c.plan_id = r.plan_id and c.valid_from >= r.valid_from and c.valid_from < r.ends_at and c.scheme = r.scheme
        and (r.parameters ->> 'rank_order')::integer <= c.rank_order and (r.parameters ->> 'rank_order')::integer > coalesce(c.rank_below, 0)
    where c.distribution = 'rank' group by all
),
compared as (
    select climbed.*, if(distribution = 'difference', coalesce(max(own_rate) over (
        partition by direct_id, own, valid_from, kind_id, scheme order by n rows between unbounded preceding and 1 preceding), 0), 0) as paid_below,
        rung.rate as rung_rate
    from climbed left join rung using (direct_id, own, valid_from, kind_id, n)
)
select dense_rank() over (order by direct_id, own, valid_from, kind_id) as slice_id, *,
    case distribution when 'rank' then rung_rate when 'share_of_child' then own_rate * child_rate::decimal(18, 8) else own_rate - paid_below end::decimal(28, 12) as rate,
    case when member_reason is not null then member_reason when rule_id is null then 'no_rule'
        when distribution = 'rank' and rank_below >= rank_order then 'rank_not_above' when distribution = 'share_of_child' and child_rate = 0 then 'no_base'
        when distribution = 'difference' and own_rate <= paid_below then 'not_above_paid' end as reason
from compared;

create temp table slice as
select slice_id, direct_id, own, kind_id, valid_from, valid_to, currency as plan_currency, min_hold_seconds, exclude_reasons, deal_reason,
    coalesce(bool_or(reason is null and scheme = 'pct_commission'), false) as on_commission
from card group by all;

create macro share_of(amount, part, whole) as (((amount::decimal(38, 16) * 10000000000000000)::hugeint * (part * 100000000)::hugeint
    // nullif((whole * 100000000)::hugeint, 0))::decimal(38, 0) * 0.0000000000000001::decimal(16, 16))::decimal(38, 16);

-- a deal that turns its position closes what is open and opens the rest; the rest is closed against it
create temp table turned as
with deal as (
    select platform, position_id, deal_id, executed_at, entry, volume_lots::decimal(38, 8) as lots, commission,
        coalesce(sum(if(action = 'buy', volume_lots, -volume_lots)) over (
            partition by platform, position_id order by executed_at, deal_id rows between unbounded preceding and 1 preceding), 0) as net
    from trading.fct_deals
    where not is_cancelled and (platform, position_id) in (select (platform, position_id) from trading.fct_deals where entry = 'inout' and not is_cancelled)
),
split as (
    select *, case entry when 'in' then 0 when 'inout' then least(lots, abs(net)) else lots end::decimal(38, 8) as closed from deal
)
select platform, deal_id, closed, share_of(commission, closed, lots) as closing_commission,
    last_value(if(closed < lots, executed_at, null) ignore nulls) over w as opened_at,
    last_value(if(closed < lots, lots - closed, null) ignore nulls) over w as opened_lots,
    last_value(if(closed < lots, share_of(commission, lots - closed, lots), null) ignore nulls) over w as opened_commission
from split
window w as (partition by platform, position_id order by executed_at, deal_id rows between unbounded preceding and 1 preceding);

create temp table closing as
select d.platform, d.deal_id, d.position_id, d.client_id, d.executed_at, d.currency as account_currency,
    coalesce(t.closed, d.volume_lots)::decimal(18, 8) as lots, coalesce(t.closing_commission, d.commission) as commission, t.opened_lots,
    t.opened_commission, s.slice_id, s.plan_currency, s.on_commission, if(s.slice_id is null, c.next_partner_id, null) as next_partner_id,
    case when s.slice_id is null then 'no_partner' when s.deal_reason in ('self', 'unknown_plan') then null
        when epoch_us(d.executed_at) - epoch_us(if(t.deal_id is null, d.opened_at, t.opened_at)) < s.min_hold_seconds * 1000000 then 'held_too_short'
        when list_contains(s.exclude_reasons, d.reason) then 'excluded_reason' end as reason
from trading.fct_deals as d
join client_partner as c on d.client_id = c.client_id and d.executed_at >= c.valid_from and d.executed_at < c.valid_to
left join kind as k on d.symbol = k.symbol and d.symbol_group = k.symbol_group and d.account_type = k.account_type
left join slice as s on c.partner_id = s.direct_id and c.own = s.own and k.kind_id = s.kind_id and d.executed_at >= s.valid_from and d.executed_at < s.valid_to
left join turned as t on d.platform = t.platform and d.deal_id = t.deal_id
where d.action in ('buy', 'sell') and not d.is_cancelled and not d.is_demo and not d.is_test and (c.partner_id is not null or c.next_partner_id is not null)
    -- of the legs of one closing-by the lower deal counts
    and (d.entry in ('out', 'inout') or (d.entry = 'out_by' and (d.platform, d.deal_id) in (
        select (platform, min(deal_id)) from trading.fct_deals where entry = 'out_by' and not is_cancelled group by platform, order_id)));

create temp table rate as
select currency as f, 'USD' as t, valid_from, rate::decimal(24, 12) as rate, 'same' as path from usd where currency = 'USD'
union all
select base_currency, quote_currency, quoted_at, rate::decimal(24, 12), 'direct' from quote
union all
select quote_currency, base_currency, quoted_at, (((100000000000000000000::hugeint + (rate::decimal(38, 8) * 100000000)::hugeint // 2)
    // (rate::decimal(38, 8) * 100000000)::hugeint)::decimal(38, 0) * 0.000000000001::decimal(12, 12))::decimal(24, 12), 'inverse' from quote;

-- what was charged, for plans on commission, in the plan's currency
create temp table charged as
with opened as (
    select platform, position_id, sum(volume_lots)::decimal(38, 8) as lots, sum(commission)::decimal(38, 8) as commission from trading.fct_deals
    where entry = 'in' and not is_cancelled and (platform, position_id) in (select (platform, position_id) from closing where on_commission)
    group by all
),
paid as (
    select c.platform, c.deal_id, c.executed_at, c.account_currency, c.plan_currency, 'USD' as usd, c.commission::decimal(38, 16) as closing,
        coalesce(c.opened_commission, o.commission::decimal(38, 16), 0::decimal(38, 16)) as opened, c.lots::decimal(38, 8) as lots,
        coalesce(c.opened_lots, o.lots, c.lots::decimal(38, 8)) as opened_lots
    from closing as c left join opened as o using (platform, position_id) where c.on_commission
),
pair as (select platform, deal_id, rate, path from paid asof join rate on account_currency = f and plan_currency = t and executed_at >= valid_from),
into_usd as (select paid.*, rate as first_rate from paid asof join rate on account_currency = f and usd = t and executed_at >= valid_from),
crossed as (select platform, deal_id, (first_rate::decimal(38, 12) * rate)::decimal(24, 12) as rate from into_usd
    asof join rate on usd = f and plan_currency = t and executed_at >= valid_from)
select p.platform, p.deal_id, p.closing, p.opened, p.lots as closed_lots, p.opened_lots as position_lots, if(account_currency = plan_currency, 1, coalesce(a.rate, b.rate))::decimal(24, 12) as fx_rate,
    if(account_currency = plan_currency, 'same', coalesce(a.path, 'crossed')) as fx_path
from paid as p left join pair as a using (platform, deal_id) left join crossed as b using (platform, deal_id);

create temp table plan_usd as
select platform, deal_id, rate from (select platform, deal_id, plan_currency, 'USD' as usd, executed_at from closing where plan_currency <> 'USD')
asof join rate on plan_currency = f and usd = t and executed_at >= valid_from;

-- a rate per lot that another plan up the chain states in another currency
create temp table rate_converted as
select platform, deal_id, rate_currency, rate::decimal(24, 12) as rate, path
from (
    select distinct c.platform, c.deal_id, c.executed_at, c.plan_currency, k.rate_currency from closing as c join card as k using (slice_id)
    where c.reason is null and k.reason is null and k.scheme = 'per_lot' and k.rate_currency <> c.plan_currency
)
asof join rate on rate_currency = f and plan_currency = t and executed_at >= valid_from;

create temp table line as
with base as (
    select c.* exclude (opened_lots), h.closing, h.opened, h.closed_lots, h.position_lots, h.fx_rate as charged_rate, h.fx_path as charged_path, if(c.plan_currency = 'USD', 1, u.rate)::decimal(24, 12) as fx_rate_usd
    from closing as c left join charged as h using (platform, deal_id) left join plan_usd as u using (platform, deal_id)
    where c.slice_id is not null and c.reason is null
)
select b.platform, b.deal_id, b.client_id, b.executed_at, k.partner_id, k.n::integer as level, k.plan_id, k.plan_version::integer as plan_version, k.rule_id, k.rule_version::integer as rule_version, k.scheme,
    k.distribution, 'close' as side, if(k.scheme = 'per_lot', b.lots, greatest(-(b.closing + share_of(b.opened, b.closed_lots, b.position_lots)), 0))::decimal(38, 8) as basis_amount,
    if(k.scheme = 'per_lot', 'lots', b.account_currency) as basis_unit, k.own_rate, k.rate::decimal(28, 12) as rate,
    if(k.scheme = 'per_lot', coalesce(x.rate, 1), b.charged_rate)::decimal(24, 12) as fx_rate,
    if(k.scheme = 'per_lot', coalesce(x.path, 'same'), b.charged_path) as fx_path,
    -- lots have two digits and rates four, so that nothing is rounded
    -- the part of the opening's commission is divided last: a line that ends on a tie is one
    case when k.scheme <> 'per_lot' then half_even(greatest(-(((b.closing * k.rate)::decimal(38, 16) * b.charged_rate)::decimal(38, 20)
            + share_of((b.opened * k.rate)::decimal(38, 16) * b.charged_rate, b.closed_lots, b.position_lots)), 0)::decimal(38, 20), 8)
        when x.rate is null then (b.lots::decimal(9, 2) * k.rate::decimal(9, 4))::decimal(38, 8)
        else half_even(((b.lots::decimal(9, 2) * k.rate::decimal(9, 4))::decimal(38, 6) * x.rate)::decimal(38, 18), 8) end as amount,
    k.currency, b.fx_rate_usd, null::decimal(28, 8) as tier_from, null::varchar as limited_by, k.slice_id
from base as b join card as k on b.slice_id = k.slice_id
left join rate_converted as x on k.scheme = 'per_lot' and b.platform = x.platform and b.deal_id = x.deal_id and k.rate_currency = x.rate_currency
where k.reason is null;

create table partners.fct_commission_accruals as
select platform || ':' || deal_id || ':' || scheme || ':' || partner_id || ':r1' as accrual_id, 1::integer as revision, * exclude (slice_id),
    if(fx_rate_usd = 1, amount, half_even((amount * fx_rate_usd)::decimal(38, 20), 8)) as amount_usd, now()::timestamp as accrued_at, 'accrued' as status,
    null::varchar as reverses_accrual_id, null::varchar as reason, null::varchar as approval_id, null::varchar as payout_id
from line where amount <> 0;

create table partners.fct_commission_zero as
with member as (
    select slice_id, partner_id, min(reason) as reason, count(*) filter (where reason is null) as to_pay from card group by all
)
select platform, deal_id, coalesce(m.partner_id, next_partner_id) as partner_id, c.reason, null::varchar as detail
from closing as c left join member as m using (slice_id) where c.reason is not null
union all
select platform, deal_id, m.partner_id, m.reason, null from closing as c join member as m using (slice_id) where c.reason is null and to_pay = 0
union all
select platform, deal_id, l.partner_id, coalesce(m.reason, 'no_base'), min(rule_id) from line as l join member as m using (slice_id, partner_id)
where amount = 0 group by platform, deal_id, l.partner_id, m.reason, to_pay having count(*) = to_pay;

-- section: ledger
create temp table client as
select client_id, entity, arg_max(coalesce(is_test, false), changed_at) over (partition by client_id) as is_test,
    if(lag(changed_at) over w is null, timestamp '1900-01-01', changed_at) as valid_from, lead(changed_at, 1, utc_end()) over w as valid_to
from (
    from raw.clients
    qualify row_number() over (partition by client_id, changed_at order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
)
window w as (partition by client_id order by changed_at);

create temp table psp as
select *, coalesce(psp_txn_id, event_id) as txn_id, coalesce(fee_currency, currency) as currency_of_fee, coalesce(fee_amount, 0) as fee
from (
    from raw.psp_transactions
    qualify row_number() over (partition by psp, event_id order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
)
where status = 'completed'
qualify row_number() over (partition by psp, txn_id, kind order by occurred_at, event_id) = 1;

create temp table request_event as
from raw.cash_requests
qualify row_number() over (partition by event_id order by source_version desc nulls last, _load_id desc, _row_number desc) = 1;

create temp table request as
select request_id, arg_min(request_kind, k) as request_kind, arg_min(client_id, k) as client_id, arg_min(amount, k) as amount,
    arg_min(currency, k) as currency, coalesce(max(fee_amount), 0)::decimal(38, 8) as client_fee, arg_min(to_amount, k) as to_amount,
    arg_min(to_currency, k) as to_currency, arg_min(to_account, k) as to_account, arg_max(psp, k) as psp
from (select *, (occurred_at, event_id) as k from request_event) group by request_id;

create temp table bank_line as
select *, bank_account || ':' || statement_id || ':' || line_no as line_key, string_split_regex(reference, '[\s,;()]+') as words
from raw.bank_statement_lines where not coalesce(is_interim, false)
qualify row_number() over (partition by bank_account, statement_id, line_no order by source_version desc nulls last, _load_id desc, _row_number desc) = 1;

create temp table line_request as
select l.line_key, l.bank_account, l.amount, r.request_id from (select *, unnest(words) as word from bank_line) as l
join request as r on l.word = r.request_id;

create temp table bank as
select bank_account, arg_max(entity, valid_from) as entity, arg_max(is_client_money, valid_from) as is_client_money from raw.bank_accounts group by all;

-- quotes both ways, for conversions between wallet and account
create temp table mid as
select base_currency as f, quote_currency as t, quoted_at, rate::decimal(18, 8) as rate, false as inverse from quote
union all select quote_currency, base_currency, quoted_at, rate::decimal(18, 8), true from quote;
create macro at_rate(amount, rate, inverse) as if(inverse,
    ((((amount)::decimal(38, 8) * 100000000)::hugeint * 100000000::hugeint // (rate::decimal(38, 8) * 100000000)::hugeint)::decimal(38, 0)
        * 0.00000001::decimal(9, 8))::decimal(38, 8),
    ((amount)::decimal(38, 8) * rate)::decimal(38, 8));

create temp table transfer as
with moved as (
    select d.platform || ':' || d.deal_id as source_key, d.client_id, d.entity, d.platform, d.login, d.book, d.profit, d.commission, d.swap, d.fee,
        d.executed_at as occurred_at, d._load_id, d._row_number, d.currency as own_currency, r.currency as from_currency, r.amount as from_amount,
        r.to_amount, r.to_currency,
        case when coalesce(r.to_currency, r.currency, '') = coalesce(r.currency, '') then 'same_currency'
            when d.profit > 0 then 'converted_to_trading' when r.to_account = 'wallet' then 'converted_to_wallet' else 'same_currency' end as condition
    from trading.fct_deals as d left join request as r on d.reference = r.request_id and r.request_kind = 'internal_transfer'
    where d.action = 'balance' and not d.is_cancelled and not d.is_demo and not d.is_test and d.currency is not null and d.profit <> 0
),
sides as (
    select * exclude (to_currency, to_amount, profit),
        if(condition = 'converted_to_trading', from_currency, own_currency) as currency,
        case condition when 'converted_to_trading' then own_currency when 'converted_to_wallet' then to_currency end as to_currency,
        case condition when 'converted_to_trading' then from_amount when 'converted_to_wallet' then -profit else profit end as amount,
        case condition when 'converted_to_trading' then profit when 'converted_to_wallet' then to_amount end as to_amount,
        'USD' as usd
    from moved
),
direct as (
    select source_key, at_rate(amount, rate, inverse) as mid from sides
    asof join mid on currency = f and to_currency = t and occurred_at >= quoted_at
),
into_usd as (
    select s.*, at_rate(amount, rate, inverse) as usd_amount from sides as s
    asof join mid on currency = f and usd = t and occurred_at >= quoted_at where to_currency is not null
),
across as (
    select source_key, at_rate(usd_amount, rate, inverse) as mid from into_usd
    asof join mid on usd = f and to_currency = t and occurred_at >= quoted_at
)
select s.*, if(s.to_currency in ('JPY', 'KRW'), half_even(coalesce(d.mid, a.mid) - s.to_amount, 0), half_even(coalesce(d.mid, a.mid) - s.to_amount, 2)) as margin
from sides as s left join direct as d using (source_key) left join across as a using (source_key);

-- commission of each partner and day, and the decisions of finance: an approval without an amount is of all that the period earned
create temp table partner_from as
select partner_id, entity, payout_method, if(lag(changed_at) over person is null, timestamp '1900-01-01', changed_at) as valid_from,
    lead(changed_at, 1, utc_end()) over person as valid_to
from (
    from raw.partners
    qualify row_number() over (partition by partner_id, changed_at order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
)
window person as (partition by partner_id order by changed_at);

create temp table accrual_day as
select partner_id, currency, executed_at::date as day, sum(amount)::decimal(38, 8) as amount from partners.fct_commission_accruals group by all;

create temp table decided as
select d.* replace (if(event = 'approved', coalesce(d.amount, trunc(greatest(coalesce(a.amount, 0), 0), 2)::decimal(38, 8)), d.amount) as amount), p.entity
from raw.commission_decisions as d
left join (select partner_id, currency, strftime(day, '%Y-%m') as period, sum(amount) as amount from accrual_day group by all) as a using (partner_id, currency, period)
left join partner_from as p on d.partner_id = p.partner_id and d.occurred_at >= p.valid_from and d.occurred_at < p.valid_to
where event in ('approved', 'adjusted');

-- open currency positions at each month's end, in the entity's currency: what their value changed by
create temp table revaluation as
with position as (
    select entity, currency, date_trunc('month', occurred_at) as month, -amount as amount from transfer where margin is not null
    union all select entity, to_currency, date_trunc('month', occurred_at), to_amount + margin from transfer where margin is not null
),
month as (
    select entity, currency, unnest(range(min(month), (select date_trunc('month', max(quoted_at)) from quote), interval 1 month)) as month
    from position group by entity, currency
),
balance as (
    select m.*, base, m.month + interval 1 month - interval 1 microsecond as ends_at,
        sum(coalesce(p.amount, 0)) over (partition by m.entity, m.currency order by m.month) as amount
    from month as m left join (select entity, currency, month, sum(amount) as amount from position group by all) as p using (entity, currency, month)
    join (values ('UK', 'GBP'), ('CY', 'EUR'), ('AU', 'AUD'), ('SC', 'USD')) as b (entity, base) using (entity)
),
valued as (
    select entity, base, month, ends_at,
        half_even(sum(if(b.currency = base, amount, at_rate((amount * c.rate)::decimal(38, 8), r.rate, true))), 2) as value
    from balance as b asof join usd as c on b.currency = c.currency and ends_at >= c.valid_from
    asof join usd as r on base = r.currency and ends_at >= r.valid_from group by all
)
select *, value - coalesce(lag(value) over (partition by entity order by month), 0) as amount from valued;

create temp table event as
with settled as (
    select psp, settlement_batch_id, currency, arg_max(event_id, (occurred_at, event_id)) filter (where kind = 'settlement') as event_id, sum(
        case when kind in ('deposit', 'chargeback_reversal', 'reserve_release') or (kind = 'adjustment' and direction = 'in') then amount
            when kind = 'chargeback_lost' then 0 else -amount end - if(currency_of_fee = currency, fee, 0)
    ) as difference
    from psp where settlement_batch_id is not null group by all having count(*) filter (where kind <> 'settlement') > 0
),
staged as (
    select e.*, r.client_id as owner, r.amount as asked, r.currency as asked_currency, r.client_fee,
        if(any_value(e.psp_of_row) over (partition by e.request_id) is not null or r.psp is not null, 'psp', 'client_bank') as payer,
        any_value(e.psp_of_row) over (partition by e.request_id) as paid_by,
        coalesce(last_value(case e.event when 'requested' then 'reserved' when 'sent' then 'in_transit' when 'paid' then 'paid'
            when 'cancelled' then 'wallet' when 'rejected' then 'wallet' when 'failed' then 'wallet' when 'returned' then 'wallet' end ignore nulls)
            over (partition by e.request_id order by e.occurred_at, e.place rows between unbounded preceding and 1 preceding), 'wallet') as stage
    from (
        select 'cash_requests' as source_feed, event_id as source_key, request_id, event, null as psp_of_row, null::decimal(38, 8) as paid,
            null as paid_fee_currency, 0 as fee, occurred_at, _load_id, _row_number,
            case event when 'requested' then 1 when 'approved' then 4 when 'sent' then 5 when 'paid' then 6 else 7 end as place
        from request_event
        union all
        select 'psp_transactions', psp || ':' || event_id, client_reference, 'paid', psp, amount, currency_of_fee, fee, occurred_at, _load_id, _row_number, 6.5
        from psp where kind in ('withdrawal', 'refund')
    ) as e
    join request as r on e.request_id = r.request_id and r.request_kind in ('withdrawal', 'refund')
),
banks as (select request_id, min(bank_account) as bank_account from line_request group by request_id),
settled_to as (
    select distinct psp, settlement_batch_id, currency, entity from psp join bank using (bank_account) where kind = 'settlement' and entity is not null
),
batch_entity as (
    select psp, settlement_batch_id, currency, min(entity) as entity from settled_to where settlement_batch_id is not null
    group by all having count(distinct entity) = 1
),
only_entity as (select psp, currency, min(entity) as entity from settled_to group by all having count(distinct entity) = 1)
select 'psp_transactions' as source_feed, psp.psp || ':' || psp.event_id as source_key, kind as event_kind,
    case kind when 'reserve_release' then if(psp.settlement_batch_id is null, 'alone', 'in_batch')
        when 'settlement' then if(bank.is_client_money, 'client_bank', 'firm_bank') else 'any' end as condition,
    client_id, coalesce(bank.entity, if(client_id is null, coalesce(t.entity, o.entity), null)) as entity, psp.psp, bank_account,
    null::varchar as counter, psp.currency, currency_of_fee as fee_currency,
    if(kind = 'adjustment' and direction = 'out', -amount, amount) as amount, fee, if(kind = 'deposit' and fee_borne_by = 'client', fee, 0) as client_fee,
    coalesce(difference, 0) as difference, null::decimal(38, 8) as net_amount, occurred_at, _load_id, _row_number
from psp left join bank using (bank_account)
left join batch_entity as t on psp.psp = t.psp and psp.settlement_batch_id = t.settlement_batch_id and psp.currency = t.currency
left join only_entity as o on psp.psp = o.psp and psp.currency = o.currency
left join settled on psp.psp = settled.psp and psp.currency = settled.currency and psp.event_id = settled.event_id
where kind not in ('withdrawal', 'refund', 'chargeback_lost', 'chargeback_reversal')
union all by name
select source_feed, source_key, event as event_kind,
    case when source_feed = 'psp_transactions' then stage || '/psp' when event = 'paid' or stage = 'paid' then stage || '/' || payer else stage end as condition,
    owner as client_id, if(event = 'paid' or stage = 'paid', coalesce(psp_of_row, paid_by), null) as psp,
    if(source_feed = 'cash_requests' and (event = 'paid' or stage = 'paid') and payer <> 'psp', bank_account, null) as bank_account,
    asked_currency as currency, coalesce(paid_fee_currency, asked_currency) as fee_currency, asked as amount,
    coalesce(paid, asked - client_fee) as net_amount, fee, client_fee, occurred_at, _load_id, _row_number
from staged left join banks using (request_id)
where event not in ('approved', 'info_requested', 'info_given') and not (source_feed = 'cash_requests' and event = 'paid' and stage = 'paid')
union all by name
select 'cash_requests' as source_feed, e.event_id as source_key, 'deposit_paid' as event_kind, 'any' as condition, r.client_id, b.bank_account, r.currency, r.currency as fee_currency,
    r.amount, e.occurred_at as occurred_at, e._load_id, e._row_number
from request_event as e join request as r on e.request_id = r.request_id and r.request_kind = 'deposit' and e.event = 'paid' and r.psp is null
left join banks as b on e.request_id = b.request_id
where e.request_id not in (select client_reference from psp where kind = 'deposit' and client_reference is not null)
union all by name
select 'bank_statement_lines' as source_feed, line_key as source_key, kind as event_kind,
    case when kind = 'own_transfer' then 'client/firm' when kind = 'receipt' then 'unidentified' else if(bank.is_client_money, 'client', 'firm') end as condition,
    bank.entity, bank_account, if(kind = 'own_transfer', counter_account, null) as counter, l.currency, l.currency as fee_currency, amount,
    booked_on::timestamp as occurred_at, _load_id, _row_number
from bank_line as l join bank using (bank_account)
where (kind <> 'own_transfer' or bank.is_client_money) and kind <> 'payment'
    -- what a PSP or a request explains is posted there
    and (kind <> 'receipt' or not (counterparty_account like 'PSP%' or line_key in (select line_key from line_request)))
union all by name
select 'deals' as source_feed, source_key, 'balance' as event_kind, condition, client_id, entity, platform, login, book, currency, to_currency,
    currency as fee_currency, amount, to_amount, to_amount + margin as mid_amount, margin, commission, swap, fee, occurred_at, _load_id, _row_number
from transfer
union all by name
select 'deals' as source_feed, platform || ':' || deal_id as source_key, 'credit_absorbed' as event_kind, if(change > 0, 'loss', 'profit') as condition,
    client_id, entity, platform, login, book, currency, currency as fee_currency, abs(change) as amount, executed_at as occurred_at, _load_id, _row_number
from (
    select *, absorbed - coalesce(lag(absorbed) over (partition by platform, login order by executed_at, deal_id), 0) as change from (
        select d.*, greatest(least(
                -coalesce(o.cash, 0) - sum(swap + commission + fee + if(action in ('credit', 'so_compensation_credit'), 0, profit)) over so_far,
                sum(if(action in ('credit', 'so_compensation_credit'), profit, 0)) over so_far
            ), 0)::decimal(38, 8) as absorbed
        from trading.fct_deals as d
        left join (select login, -sum(amount) as cash from raw.opening_balances where account_code = '2020' group by login) as o using (login)
        where not is_cancelled and not is_demo and not is_test and currency is not null
            and (platform, login) in (select (platform, login) from trading.fct_deals where action in ('credit', 'so_compensation_credit'))
        window so_far as (partition by platform, login order by executed_at, deal_id)
    )
) where change <> 0
union all by name
select 'lp_trades' as source_feed, venue || ':' || trade_id as source_key, 'lp_trade' as event_kind, 'any' as condition, venue, 'A' as book, currency,
    profit, commission, swap, executed_at as occurred_at, _load_id, _row_number
from raw.lp_trades where coalesce(profit, 0) <> 0 or coalesce(swap, 0) <> 0 or coalesce(commission, 0) <> 0
union all by name
select 'opening_balances' as source_feed, concat_ws(':', o.entity, o.account_code, o.currency, o.as_of, coalesce(o.client_id, ''),
        coalesce(o.login::varchar, ''), coalesce(o.psp, ''), coalesce(o.bank_account, '')) as source_key, 'opening_balance' as event_kind,
    'any' as condition, o.client_id, o.entity, a.platform, o.login, o.psp, o.bank_account, o.account_code, o.currency, o.amount,
    o.as_of::timestamp as occurred_at, o._load_id, o._row_number
from raw.opening_balances as o left join (select login, min(platform) as platform from account group by login) as a using (login)
union all by name
select 'commission_accruals' as source_feed, concat_ws(':', a.partner_id, a.currency, a.day) as source_key, 'accrued' as event_kind, 'any' as condition,
    coalesce(p.entity, 'unassigned') as entity, a.partner_id, a.currency, a.amount, a.day::timestamp as occurred_at
from accrual_day as a left join partner_from as p on a.partner_id = p.partner_id and a.day >= p.valid_from and a.day < p.valid_to
where a.amount <> 0
union all by name
select 'commission_decisions' as source_feed, event_id as source_key, event as event_kind, 'any' as condition, coalesce(entity, 'unassigned') as entity,
    partner_id, currency, amount, amount as net_amount, 0 as difference, occurred_at, _load_id, _row_number
from decided where amount <> 0
union all by name
select 'fx_rates' as source_feed, entity || ':' || strftime(month, '%Y-%m') as source_key, 'revaluation' as event_kind,
    if(amount < 0, 'gain', 'loss') as condition, entity, base as currency, amount, ends_at as occurred_at
from revaluation where amount <> 0;

create temp table entry as
select e.source_feed || ':' || e.source_key || ':' || e.event_kind || ':v1' as entry_id, r.entry_type, r.rule_id, r.description,
    coalesce(e.entity, c.entity, 'unassigned') as entity, e.* exclude (entity), 0::decimal(38, 8) as recovered, e.amount as loss
from event as e
left join client as c on e.client_id = c.client_id and e.occurred_at >= c.valid_from and e.occurred_at < c.valid_to
join (select distinct rule_id, entry_type, source_feed, event_kind, condition, description from posting_rules) as r
    on e.source_feed = r.source_feed and e.event_kind = r.event_kind and e.condition = r.condition
where not coalesce(c.is_test, false);

create macro lines(entries) as table
select entry_id, line_no, if(r.account_code = 'own', e.account_code, r.account_code) as account_code,
    case r.currency_of when 'to_currency' then to_currency when 'fee_currency' then fee_currency else currency end as currency,
    (sign * case component when 'amount' then amount when 'net_amount' then net_amount when 'to_amount' then to_amount when 'mid_amount' then mid_amount
        when 'margin' then margin when 'fee' then fee when 'client_fee' then client_fee when 'difference' then difference when 'recovered' then recovered
        when 'loss' then loss when 'profit' then profit when 'swap' then swap when 'commission' then commission end)::decimal(38, 8) as amount,
    client_id, entity, platform, login, psp, if(bank_of = 'counter', counter, bank_account) as bank_account, partner_id, venue, book,
    occurred_at
from query_table(entries) as e join posting_rules as r on e.rule_id = r.rule_id;

create temp table money_line as from lines('entry') where amount <> 0;

-- a lost chargeback takes what the wallet holds, the rest is the firm's
create temp table chargeback as
with cases as (from psp where kind in ('chargeback_lost', 'chargeback_reversal')),
wallet as (
    select c.psp, c.event_id, coalesce(sum(-m.amount), 0) as balance from cases as c left join money_line as m
        on m.account_code = '2010' and c.client_id = m.client_id and c.currency = m.currency and m.occurred_at < c.occurred_at
    where kind = 'chargeback_lost' group by all
),
lost as (select c.*, greatest(least(c.amount, w.balance), 0)::decimal(38, 8) as recovered from cases as c join wallet as w using (psp, event_id)),
split as (
    select c.*, if(c.kind = 'chargeback_lost', l.recovered, o.recovered) as recovered,
        case when c.kind = 'chargeback_lost' then 'any' when o.event_id is null then 'before_debit' else 'after_split' end as condition
    from cases as c left join lost as l using (psp, event_id)
    left join lost as o on c.kind = 'chargeback_reversal' and c.psp = o.psp and c.occurred_at >= o.occurred_at
        and (c.txn_id = o.txn_id or c.original_psp_txn_id in (o.txn_id, o.original_psp_txn_id))
)
select 'psp_transactions:' || psp || ':' || event_id || ':' || kind || ':v1' as entry_id, r.entry_type, r.rule_id, r.description,
    coalesce(c.entity, 'unassigned') as entity, 'psp_transactions' as source_feed, psp || ':' || event_id as source_key, s.client_id, s.psp, currency,
    currency_of_fee as fee_currency, amount, fee, coalesce(recovered, 0) as recovered, amount - coalesce(recovered, 0) as loss, occurred_at, _load_id, _row_number
from split as s
left join client as c on s.client_id = c.client_id and s.occurred_at >= c.valid_from and s.occurred_at < c.valid_to
join (select distinct rule_id, entry_type, event_kind, condition, description from posting_rules where source_feed = 'psp_transactions') as r
    on s.kind = r.event_kind and s.condition = r.condition
where not coalesce(c.is_test, false);

create temp table chargeback_entry as from entry where false union all by name from chargeback;
insert into money_line from lines('chargeback_entry') where amount <> 0;

create temp table deal_entry as
select 'deals:' || platform || ':' || deal_id || ':v1' as entry_id, if(action in ('buy', 'sell'), 'trade', action) as event_kind, *
from trading.fct_deals
where action <> 'balance' and not is_cancelled and not is_demo and not is_test and currency is not null
    and (profit <> 0 or swap <> 0 or commission <> 0 or fee <> 0);

create table finance.fct_journal_entries as
select entry_id, r.entry_type, 'deals' as source_feed, platform || ':' || deal_id as source_key, 1 as version, r.rule_id, client_id, entity,
    executed_at as occurred_at, recorded_at, executed_at::date as booked_on, null::varchar as reverses_entry_id, description,
    _load_id as source_load_id, _row_number as source_row_number
from deal_entry as e
join (select distinct rule_id, entry_type, event_kind, description from posting_rules where source_feed = 'deals' and condition = 'any') as r
    on e.event_kind = r.event_kind
union all
select entry_id, entry_type, source_feed, source_key, 1, rule_id, client_id, entity, occurred_at, now()::timestamp, occurred_at::date, null,
    description, _load_id, _row_number
from (from entry union all from chargeback_entry);

create table finance.fct_postings as
select entry_id, line_no, account_code, currency,
    (sign * case component when 'profit' then profit when 'swap' then swap when 'commission' then commission else fee end)::decimal(38, 8) as amount,
    client_id, entity, platform, login, null::varchar as psp, null::varchar as bank_account, null::varchar as partner_id, null::varchar as venue, book,
    executed_at as occurred_at, executed_at::date as booked_on, recorded_at
from deal_entry as e
join posting_rules as r on e.event_kind = r.event_kind and r.source_feed = 'deals' and r.condition = 'any'
where case component when 'profit' then profit when 'swap' then swap when 'commission' then commission else fee end <> 0
union all
select *, occurred_at::date, now()::timestamp from money_line;

create table finance.fct_client_balances_daily as
select client_id, account_code, currency, day, (closing - movement)::decimal(38, 8) as opening, movement::decimal(38, 8) as movement,
    closing::decimal(38, 8) as closing
from (
    select *, sum(movement) over (partition by client_id, account_code, currency order by day) as closing
    from (
        select client_id, account_code, currency, occurred_at::date as day, sum(amount) as movement from finance.fct_postings
        where account_code in (select account_code from ledger_accounts where is_client_balance) and client_id is not null group by all
    )
);

create table finance.fct_trial_balance as
with moved as (
    select occurred_at::date as day, coalesce(entity, 'unassigned') as entity, account_code, currency,
        sum(greatest(amount, 0)) as debit, sum(greatest(-amount, 0)) as credit
    from finance.fct_postings group by all
),
days as (select unnest(generate_series(min(day)::timestamp, max(day)::timestamp, interval 1 day))::date as day from moved),
accounts as (select entity, account_code, currency, min(day) as first_day from moved group by all)
select day, entity, account_code, currency, coalesce(debit, 0)::decimal(38, 8) as debit, coalesce(credit, 0)::decimal(38, 8) as credit,
    sum(coalesce(debit, 0) - coalesce(credit, 0)) over (partition by entity, account_code, currency order by day)::decimal(38, 8) as balance
from accounts join days on first_day <= day left join moved using (day, entity, account_code, currency);

-- section: audit
create temp table role as
select staff_id, role, changed_at as valid_from, lead(changed_at, 1, utc_end()) over (partition by staff_id order by changed_at) as valid_to from raw.staff;

create table compliance.fct_audit_events as
with event as (
    select 'cash_requests:' || event_id || ':v' || _version as event_id, 'payment' as stream, request_id as stream_id,
        coalesce(request_kind, 'request') || '.' || event as event_type, occurred_at, recorded_at, actor_type, actor_id, client_id, reason,
        null::varchar as before, to_json({amount: amount::varchar, currency: currency, fee_amount: fee_amount::varchar, to_amount: to_amount::varchar,
            to_currency: to_currency, from_account: from_account, to_account: to_account, method: method, psp: psp, instrument_id: instrument_id,
            destination_holder: destination_holder, channel: channel, ip: ip, device_id: device_id})::varchar as after,
        request_id as correlation_id, 'cash_requests' as source_feed, event_id as source_key, _row_hash as row_hash, _load_id as load_id, _version as version
    from raw.cash_requests
    union all
    select 'risk_checks:' || system || ':' || check_id || ':v' || c._version, 'payment', subject_id, 'risk_check.' || result, ran_at, c.recorded_at,
        'system', system, r.client_id, null, null,
        to_json({check_name: check_name, version: version, result: result, inputs: inputs})::varchar,
        subject_id, 'risk_checks', system || ':' || check_id, c._row_hash, c._load_id, c._version
    from raw.risk_checks as c left join (
        select request_id, arg_min(client_id, (recorded_at, _load_id, _row_number)) as client_id from raw.cash_requests group by request_id
    ) as r on c.subject_id = r.request_id
    union all
    select 'psp_transactions:' || psp || ':' || event_id || ':v' || _version, 'payment', coalesce(client_reference, psp || ':' || coalesce(psp_txn_id, event_id)),
        'psp.' || kind || '.' || status, occurred_at, recorded_at, 'provider', psp, client_id, decline_code, null,
        to_json({amount: amount::varchar, currency: currency, fee_amount: fee_amount::varchar, method: method, psp_txn_id: psp_txn_id,
            original_psp_txn_id: original_psp_txn_id, instrument_id: instrument_id, instrument_holder: instrument_holder,
            settlement_batch_id: settlement_batch_id})::varchar,
        coalesce(client_reference, psp || ':' || coalesce(psp_txn_id, event_id)), 'psp_transactions', psp || ':' || event_id, _row_hash, _load_id, _version
    from raw.psp_transactions
    union all
    select 'kyc_events:' || provider || ':' || event_id || ':v' || _version, 'kyc', coalesce(client_id, provider || ':' || event_id), 'kyc.' || event,
        occurred_at, recorded_at, actor_type, actor_id, client_id, array_to_string(reason_codes, ', '),
        if(from_status is null, null, to_json({status: from_status})::varchar),
        to_json({status: to_status, "check": "check", result: result, category: category, outcome: outcome, risk_rating: risk_rating,
            document_type: document_type, document_country: document_country, document_fingerprint: document_fingerprint,
            document_issued_on: document_issued_on, document_expires_on: document_expires_on, second_actor_id: second_actor_id,
            rule_version: rule_version, detail: detail})::varchar,
        client_id, 'kyc_events', provider || ':' || event_id, _row_hash, _load_id, _version
    from raw.kyc_events
    union all
    select 'client_sessions:' || session_id || ':v' || _version, 'session', coalesce(client_id, session_id), 'session.' || event, occurred_at, recorded_at,
        'client', client_id, client_id, null, null,
        to_json({instrument_id: instrument_id, ip: ip, ip_country: ip_country, device_id: device_id})::varchar,
        session_id, 'client_sessions', session_id, _row_hash, _load_id, _version
    from raw.client_sessions
    union all
    select 'tickets:' || event_id || ':v' || _version, 'ticket', ticket_id, 'ticket.' || event, occurred_at, recorded_at, actor_type, actor_id, client_id,
        null, null, to_json({is_complaint: is_complaint, priority: priority, channel: channel, topic: topic})::varchar, ticket_id, 'tickets', event_id,
        _row_hash, _load_id, _version
    from raw.tickets
    union all
    select 'communications:' || communication_id || ':v' || _version, 'communication', coalesce(client_id, communication_id),
        concat_ws('.', 'communication', channel, direction), occurred_at, recorded_at, if(staff_id is null, null, 'staff'), staff_id, client_id, null, null,
        to_json({subject: subject, outcome: outcome})::varchar, communication_id, 'communications', communication_id, _row_hash, _load_id, _version
    from raw.communications
    union all
    select 'deals:' || d.platform || ':' || deal_id || ':v' || d._version, 'account', d.platform || ':' || d.login,
        'deal.' || action || case when is_cancelled then '.cancelled' when d._version > 1 then '.corrected' else '' end, executed_at, d.recorded_at,
        'system', d.platform, a.client_id, coalesce(comment, reason), null,
        to_json({profit: profit::varchar, commission: commission::varchar, swap: swap::varchar, fee: fee::varchar, entry: entry, symbol: symbol,
            volume_lots: volume_lots::varchar, price: price::varchar})::varchar,
        coalesce(reference, position_id, d.platform || ':' || deal_id), 'deals', d.platform || ':' || deal_id, d._row_hash, d._load_id, d._version
    from raw.deals as d
    left join account as a on d.platform = a.platform and d.login = a.login and d.executed_at >= a.valid_from and d.executed_at < a.valid_to
    where action not in ('buy', 'sell') or d._version > 1 or is_cancelled
    union all
    select 'commission_decisions:' || event_id || ':v' || _version, 'commission', coalesce(accrual_id, concat_ws(':', partner_id, period), event_id),
        'commission.' || event, occurred_at, recorded_at, null, actor_id, null, reason, null,
        to_json({amount: amount::varchar, currency: currency, partner_id: partner_id, period: period})::varchar,
        coalesce(accrual_id, partner_id), 'commission_decisions', event_id, _row_hash, _load_id, _version
    from raw.commission_decisions
    union all
    select 'period_events:' || event_id || ':v' || _version, 'period', concat_ws(':', entity, period), 'period.' || event, occurred_at, recorded_at, null,
        actor_id, null, null, null, to_json({entity: entity, period: period, approved_by: approved_by})::varchar, concat_ws(':', entity, period),
        'period_events', event_id, _row_hash, _load_id, _version
    from raw.period_events
    union all
    select 'loads:' || load_id, 'load', load_id::varchar, 'load.' || status, coalesce(finished_at, recorded_at), recorded_at, 'system', connector, null,
        reason, null, to_json({feed: feed, path: path, file_sha256: file_sha256, rows_read: rows_read, rows_loaded: rows_loaded,
            rows_duplicate: rows_duplicate, rows_quarantined: rows_quarantined, recorded_at_stated: recorded_at_stated})::varchar,
        file_sha256, 'loads', load_id::varchar, null, load_id, 1
    from raw.loads
    union all
    select 'quarantine:' || load_id || ':' || row_number || ':1', 'load', load_id::varchar, 'quarantine.opened', recorded_at, recorded_at, 'system',
        'loader', null, array_to_string(rules, '; '), null, to_json({feed: feed, path: path, row_number: row_number})::varchar, file_sha256,
        'quarantine', load_id || ':' || row_number, null, load_id, 1
    from raw.quarantine
    -- changes of what we are told about: before is the change before it
    union all
    select feed || ':' || key || ':v' || _version, stream, thing, feed || if(_version > 1, '.corrected', '.changed'), occurred_at, recorded_at,
        actor_type, actor_id, client_id, reason, lag(after) over (partition by feed, thing order by occurred_at, _load_id, _row_number),
        after, thing, feed, key, _row_hash, _load_id, _version
    from (
        select 'clients' as feed, 'client' as stream, client_id as thing, client_id || ':' || changed_at as key, changed_at as occurred_at, recorded_at,
            'system' as actor_type, null::varchar as actor_id, client_id, null::varchar as reason,
            to_json(c)::varchar as after, _row_hash, _load_id, _row_number, _version
        from raw.clients as c
        union all
        select 'trading_accounts', 'account', platform || ':' || login, platform || ':' || login || ':' || changed_at, changed_at, recorded_at,
            'system', null, client_id, null, to_json(c)::varchar, _row_hash, _load_id, _row_number, _version from raw.trading_accounts as c
        union all
        select 'partners', 'partner', partner_id, partner_id || ':' || changed_at, changed_at, recorded_at, 'system', null, client_id, null,
            to_json(c)::varchar, _row_hash, _load_id, _row_number, _version from raw.partners as c
        union all
        select 'partner_links', child_kind, child_id, child_kind || ':' || child_id || ':' || valid_from, valid_from, recorded_at, null, actor_id,
            if(child_kind = 'client', child_id, null), reason, to_json(c)::varchar, _row_hash, _load_id, _row_number, _version from raw.partner_links as c
        union all
        select 'staff', 'staff', staff_id, staff_id || ':' || changed_at, changed_at, recorded_at, 'system', null, null, null,
            to_json(c)::varchar, _row_hash, _load_id, _row_number, _version from raw.staff as c
        union all
        select 'commission_plans', 'parameter', 'commission_plans:' || plan_id, plan_id || ':' || version, coalesce(valid_from, recorded_at), recorded_at,
            'system', null, null, null, to_json(c)::varchar, _row_hash, _load_id, _row_number, _version from raw.commission_plans as c
        union all
        select 'commission_rules', 'parameter', 'commission_rules:' || plan_id || ':' || rule_id, plan_id || ':' || rule_id || ':' || version,
            coalesce(valid_from, recorded_at), recorded_at, 'system', null, null, null, to_json(c)::varchar, _row_hash, _load_id, _row_number, _version
        from raw.commission_rules as c
    )
)
select event_id, stream, stream_id, event_type, occurred_at, recorded_at, coalesce(actor_type, if(staff_id is null, null, 'staff')) as actor_type, actor_id,
    role.role as actor_role, client_id, reason, before, nullif(after, '{}') as after, correlation_id, source_feed, source_key, row_hash, load_id, version,
    null::varchar as rule_version, null::varchar as approval_id, null::bigint as seq, null::varchar as hash
from event left join role
    on actor_id = staff_id and coalesce(actor_type, 'staff') = 'staff' and occurred_at >= valid_from and occurred_at < valid_to
order by stream, stream_id, occurred_at;

create table compliance.fct_kyc_status as
with point as (
    select client_id, to_status as status, actor_id, event_id, occurred_at, recorded_at from (
        from raw.kyc_events
        qualify row_number() over (partition by provider, event_id order by source_version desc nulls last, _load_id desc, _row_number desc) = 1
    ) where event = 'status_changed' and to_status is not null and client_id is not null
    union all
    select client_id, 'NOT_STARTED', null, null, registered_at, min(recorded_at) over () from (
        select client_id, coalesce(arg_max(registered_at, changed_at), min(changed_at)) as registered_at, min(recorded_at) as recorded_at
        from raw.clients group by client_id
    )
),
deciding as (
    from point
    qualify lead(occurred_at) over (partition by client_id order by occurred_at, event_id nulls first) is distinct from occurred_at
)
select client_id, status, occurred_at as valid_from, lead(occurred_at) over w as valid_to, occurred_at as status_since, recorded_at,
    null::timestamp as superseded_at, actor_id, event_id
from deciding
window w as (partition by client_id order by occurred_at, event_id nulls first)
order by client_id, valid_from;
