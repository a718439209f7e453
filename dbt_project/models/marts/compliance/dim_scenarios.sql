{{ config(meta={'owner': 'compliance'}) }}

-- Whether a scenario is evaluated at all: without one of the feeds it needs it is not, and its silence says nothing.
with scenarios as (
    select *, unnest(string_split(needs, '|')) as feed from {{ ref('scenarios') }}
),

loaded as (
    select distinct feed from {{ source('raw', 'loads') }}
    where rows_loaded > 0 and load_id <= {{ horizon_load_id() }}
),

fed as (
    select
        scenarios.scenario,
        string_agg(scenarios.feed, ', ' order by scenarios.feed) filter (where loaded.feed is null) as missing_feeds
    from scenarios
    left join loaded on scenarios.feed = loaded.feed
    group by scenarios.scenario
),

parameters as (
    select
        scenario,
        string_agg(distinct version, ', ' order by version) filter (where valid_from <= {{ known_at() }} and valid_to > {{ known_at() }}) as versions
    from {{ ref('int_scenario_parameters') }}
    group by scenario
),

counted as (
    select
        scenario,
        count(distinct group_id) as alerts,
        count(*) as clients_concerned,
        count(*) filter (where not starts_with(status, 'CLOSED')) as open_alerts,
        count(*) filter (where status = 'CLOSED_FP') as false_positives
    from {{ ref('fct_alerts') }}
    group by scenario
)

select
    scenarios.scenario,
    scenarios.title,
    scenarios.severity,
    case when fed.missing_feeds is not null then 'not_evaluated' else scenarios.evaluation end as evaluation,
    scenarios.evaluated_on,
    fed.missing_feeds,
    parameters.versions,
    scenarios.holds_money,
    coalesce(counted.alerts, 0) as alerts,
    coalesce(counted.clients_concerned, 0) as clients_concerned,
    coalesce(counted.open_alerts, 0) as open_alerts,
    coalesce(counted.false_positives, 0) as false_positives,
    {{ run_id() }} as _run_id
from {{ ref('scenarios') }} as scenarios
inner join fed on scenarios.scenario = fed.scenario
left join parameters on scenarios.scenario = parameters.scenario
left join counted on scenarios.scenario = counted.scenario
