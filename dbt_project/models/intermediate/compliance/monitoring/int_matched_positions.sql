-- Pairs of closed positions of two clients of one cluster (linked, or of one partner): opposite sides of one symbol, opened and closed within seconds of
-- each other, of like volume. Positions meet by equality of cluster, symbol and the span of seconds in which they opened, so that few are compared.
with rules as (
    select parameters, valid_from, valid_to, entity from {{ ref('int_scenario_parameters') }} where scenario = 'A14'
),

clusters as (
    select client_id, 'linked:' || cluster_id as cluster from {{ ref('int_linked_clients') }}
    union all
    select child_id, 'partner:' || arg_max(parent_partner_id, valid_from)
    from {{ ref('stg_partner_links') }}
    where child_kind = 'client' and parent_partner_id is not null
    group by child_id
),

crowded as (
    select clusters.*, persons.person_id, persons.entity
    from clusters
    inner join {{ ref('int_persons') }} as persons on clusters.client_id = persons.client_id and not persons.is_test
    where clusters.cluster in (select several.cluster from clusters as several group by several.cluster having count(*) > 1)
),

deals as (
    select client_id, platform, login, position_id, deal_id, symbol, action, entry, executed_at, volume_lots, profit, opened_at, recorded_at
    from {{ ref('fct_deals') }}
    where
        action in ('buy', 'sell') and not is_cancelled and not is_demo and position_id is not null
        and client_id in (select crowded.client_id from crowded)
),

positions as (
    select
        platform || ':' || position_id as position_key,
        any_value(client_id) as client_id,
        any_value(platform || ':' || login) as account,
        any_value(symbol) as symbol,
        arg_min(action, (executed_at, deal_id)) filter (where entry = 'in') as side,
        min(executed_at) filter (where entry = 'in') as opened_at,
        max(executed_at) filter (where entry in ('out', 'out_by')) as closed_at,
        sum(volume_lots) filter (where entry = 'in') as lots,
        sum(profit) as profit,
        arg_min('deals:' || platform || ':' || deal_id, (executed_at, deal_id)) as row_key,
        max(recorded_at) as known_at
    from deals
    group by platform, position_id
    having count(*) filter (where entry in ('out', 'out_by')) > 0 and count(*) filter (where entry = 'in') > 0
),

placed as (
    select
        positions.*,
        crowded.cluster,
        crowded.person_id,
        crowded.entity,
        rules.parameters,
        epoch(positions.opened_at)::bigint // rules.parameters['seconds']::bigint as bucket
    from positions
    inner join crowded on positions.client_id = crowded.client_id
    inner join rules on crowded.entity = rules.entity and positions.opened_at >= rules.valid_from and positions.opened_at < rules.valid_to
),

neighbours as (
    select *, unnest([bucket - 1, bucket, bucket + 1]) as meets from placed where side = 'sell'
)

select distinct
    buyers.client_id,
    sellers.client_id as other_client_id,
    buyers.person_id,
    sellers.person_id as other_person_id,
    buyers.account,
    sellers.account as other_account,
    starts_with(buyers.cluster, 'linked:') as is_linked,
    buyers.symbol,
    buyers.position_key,
    sellers.position_key as other_position_key,
    least(buyers.opened_at, sellers.opened_at) as opened_at,
    greatest(buyers.closed_at, sellers.closed_at) as closed_at,
    buyers.profit,
    sellers.profit as other_profit,
    [buyers.row_key, sellers.row_key] as evidence,
    greatest(buyers.known_at, sellers.known_at) as recorded_at
from placed as buyers
inner join neighbours as sellers
    on
        buyers.cluster = sellers.cluster
        and buyers.symbol = sellers.symbol
        and buyers.bucket = sellers.meets
where
    buyers.side = 'buy'
    and buyers.account <> sellers.account
    and abs(epoch(buyers.opened_at) - epoch(sellers.opened_at)) <= buyers.parameters['seconds']
    and abs(epoch(buyers.closed_at) - epoch(sellers.closed_at)) <= buyers.parameters['seconds']
    and buyers.lots >= buyers.parameters['volume_ratio_from'] * sellers.lots
    and buyers.lots <= buyers.parameters['volume_ratio_to'] * sellers.lots
