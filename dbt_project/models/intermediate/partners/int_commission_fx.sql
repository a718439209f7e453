-- What one unit of a currency is in another: the direct pair, else its inverse, else crossed through the dollar. At 12 digits: an inverse of
-- yen at 8 would cost a cent in ten thousand dollars.
with plans as (select * from {{ ref('stg_commission_plans') }}),

rules as (select * from {{ ref('stg_commission_rules') }}),

accounts as (select * from {{ ref('int_accounts') }}),

wanted_from as (
    select currency from accounts
    union
    select currency from rules
    union
    select currency from plans
    union
    -- spreads and points are in the quote currency
    select quote_currency as currency
    from {{ ref('int_symbols') }}
    where
        exists (select 1 from rules where rules.scheme in ('pct_spread', 'points'))
        or exists (select 1 from plans where json_valid(plans.settings) and json_extract_string(plans.settings, '$.house_cap_pct') is not null)
),

wanted_to as (
    select currency from plans
    union
    -- the conditions of an acquisition are in its rule's currency
    select currency from rules where scheme = 'cpa'
    union
    select 'USD' as currency
),

quotes as (
    select
        base_currency,
        quote_currency,
        quoted_at,
        rate::decimal(18, 8) as rate,
        _load_id
    from {{ ref('stg_fx_rates') }}
    where rate > 0 and base_currency <> quote_currency
),

sides as (
    select
        base_currency as from_currency,
        quote_currency as to_currency,
        quoted_at as valid_from,
        rate::decimal(24, 12) as rate,
        'direct' as rate_path,
        _load_id
    from quotes
    union all
    select
        quote_currency as from_currency,
        base_currency as to_currency,
        quoted_at as valid_from,
        ((100000000000000000000::hugeint + (rate::decimal(38, 8) * 100000000)::hugeint // 2) // (rate::decimal(38, 8) * 100000000)::hugeint)::decimal(38, 0)
        * 0.000000000001::decimal(12, 12) as rate,
        'inverse' as rate_path,
        _load_id
    from quotes
),

-- an inverse counts only until the pair itself is quoted
paired as (
    select *
    from sides
    qualify
        rate_path = 'direct'
        or valid_from < coalesce(
            min(valid_from) filter (where rate_path = 'direct') over (partition by from_currency, to_currency), {{ forever() }}
        )
),

to_usd as (select * from paired where to_currency = 'USD' and from_currency in (select wanted_from.currency from wanted_from)),

from_usd as (select * from paired where from_currency = 'USD' and to_currency in (select wanted_to.currency from wanted_to)),

cross_times as (
    select
        to_usd.from_currency,
        from_usd.to_currency,
        greatest(to_usd.valid_from, from_usd.valid_from) as valid_from
    from to_usd
    inner join (select to_currency, min(valid_from) as valid_from from from_usd group by to_currency) as from_usd
        on to_usd.from_currency <> from_usd.to_currency
    union
    select
        to_usd.from_currency,
        from_usd.to_currency,
        greatest(to_usd.valid_from, from_usd.valid_from) as valid_from
    from from_usd
    inner join (select from_currency, min(valid_from) as valid_from from to_usd group by from_currency) as to_usd
        on to_usd.from_currency <> from_usd.to_currency
),

first_pairs as (
    select
        from_currency,
        to_currency,
        min(valid_from) as valid_from
    from paired
    group by from_currency, to_currency
),

crossed_to_usd as (
    select
        cross_times.*,
        to_usd.rate as first_rate,
        to_usd._load_id as first_load_id
    from cross_times
    asof inner join to_usd on cross_times.from_currency = to_usd.from_currency and cross_times.valid_from >= to_usd.valid_from
),

crossed as (
    select
        crossed_to_usd.from_currency,
        crossed_to_usd.to_currency,
        crossed_to_usd.valid_from,
        (crossed_to_usd.first_rate::decimal(38, 12) * from_usd.rate)::decimal(24, 12) as rate,
        'crossed' as rate_path,
        greatest(crossed_to_usd.first_load_id, from_usd._load_id) as _load_id
    from crossed_to_usd
    asof inner join from_usd on crossed_to_usd.to_currency = from_usd.to_currency and crossed_to_usd.valid_from >= from_usd.valid_from
    left join first_pairs
        on crossed_to_usd.from_currency = first_pairs.from_currency and crossed_to_usd.to_currency = first_pairs.to_currency
    where first_pairs.valid_from is null or crossed_to_usd.valid_from < first_pairs.valid_from
),

rates as (
    select * from paired
    union all
    select * from crossed
)

select
    from_currency,
    to_currency,
    valid_from,
    coalesce(lead(valid_from) over (partition by from_currency, to_currency order by valid_from), {{ forever() }}) as valid_to,
    rate::decimal(24, 12) as rate,
    rate_path,
    _load_id
from rates
where
    from_currency in (select wanted_from.currency from wanted_from)
    and to_currency in (select wanted_to.currency from wanted_to)
