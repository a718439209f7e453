{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='break_id',
    tags=['stepwise'],
    meta={'owner': 'finance', 'sorted_by': ['reconciliation', 'break_id']}
) }}
{#- Every load looks at the breaks anew, as they age by the day. -#}
-- depends_on: {{ source('raw', 'loads') }}
-- A platform break is a login's unbroken row of compared days with one and the same difference; its first day and its amount are its identity.
with compared as (
    select * from {{ ref('rec_platform_daily') }}
    where (platform, login) in (select distinct (found.platform, found.login) from {{ ref('rec_platform_daily') }} as found where found.difference <> 0)
),

placed as (
    select
        *,
        row_number() over (partition by platform, login order by day)
        - row_number() over (partition by platform, login, difference order by day) as island,
        max(day) over (partition by platform, login) as newest_day
    from compared
),

platform_breaks as (
    select
        'platform' as reconciliation,
        case when arg_max(currency, day) is null then 'account_unknown' else 'balance_differs' end as class,
        platform || ':' || login as reference,
        'platform:' || platform || ':' || login || ':' || min(day) || ':' || difference as break_id,
        min(day) as first_seen_on,
        max(day) as last_seen_on,
        max(day) = max(newest_day) as is_open,
        difference as amount,
        arg_max(currency, day) as currency,
        arg_max(client_id, day) as client_id,
        arg_max(entity, day) as entity
    from placed
    where difference <> 0
    group by platform, login, difference, island
),

-- a client-money break is an unbroken row of business days at whose close the money was not where it belongs
funding_days as (
    select
        *,
        row_number() over (partition by entity, currency order by fund_by)
        - row_number() over (partition by entity, currency, is_unfunded order by fund_by) as island,
        max(fund_by) over (partition by entity, currency) as newest_day
    from (
        select
            entity,
            currency,
            fund_by,
            remaining,
            status in ('shortfall_not_funded', 'excess_not_withdrawn') as is_unfunded
        from {{ ref('fct_client_money_daily') }}
        where fund_by = day + 1 and remaining is not null
    )
),

client_money_breaks as (
    select
        'client_money' as reconciliation,
        case when arg_min(remaining, fund_by) < 0 then 'shortfall_not_funded' else 'excess_not_withdrawn' end as class,
        entity || ':' || currency as reference,
        'client_money:' || entity || ':' || currency || ':' || min(fund_by) as break_id,
        min(fund_by) as first_seen_on,
        max(fund_by) as last_seen_on,
        max(fund_by) = max(newest_day) as is_open,
        arg_max(remaining, fund_by) as amount,
        currency,
        null::varchar as client_id,
        entity
    from funding_days
    where is_unfunded
    group by entity, currency, island
),

partner_days as (
    select
        *,
        partner_id || ':' || currency as reference,
        lag(difference) over partner as difference_before,
        lag(open_accruals) over partner as accruals_before,
        lag(payable) over partner as payable_before
    from {{ ref('rec_partner_daily') }}
    window partner as (partition by partner_id, currency order by day)
),

-- as it stands on the newest day, since the last day it came to be
partner_breaks as (
    {% for class, figure, before, condition in [
        ('ledger_differs', 'difference', 'difference_before', '<> 0'), ('approved_above_accrued', 'open_accruals', 'accruals_before', '< 0'),
        ('paid_above_approved', 'payable', 'payable_before', '< 0')
    ] -%}
    select
        '{{ class }}' as class,
        partner_days.reference,
        max(partner_days.day) filter (where partner_days.{{ figure }} {{ condition }} and not coalesce(partner_days.{{ before }} {{ condition }}, false)) as first_seen_on,
        arg_max(partner_days.{{ figure }}, partner_days.day) as amount,
        partner_days.currency,
        null::varchar as client_id,
        arg_max(partners.entity, partners.changed_at) as entity
    from partner_days
    left join {{ ref('stg_partners') }} as partners on partner_days.partner_id = partners.partner_id
    group by partner_days.reference, partner_days.currency
    having arg_max(partner_days.{{ figure }}, partner_days.day) {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- the other reconciliations say what is open now; what they no longer say is gone
open_breaks as (
    select
        'psp' as reconciliation,
        *
    from {{ ref('int_rec_psp_breaks') }}
    union all by name
    select
        'bank' as reconciliation,
        *
    from {{ ref('int_rec_bank_breaks') }}
    union all by name
    select
        'partners' as reconciliation,
        *
    from partner_breaks
),

due as (
    select * from platform_breaks
    union all by name
    select * from client_money_breaks
    union all by name
    select
        *,
        concat_ws(':', reconciliation, class, reference, amount::decimal(38, 8)) as break_id,
        {{ known_at() }}::date as last_seen_on,
        true as is_open
    from open_breaks
    where first_seen_on <= {{ known_at() }}::date
),

{% if is_incremental() -%}
known as (select * from {{ this }}),

{% endif -%}
stands as (
    select
        due.break_id,
        due.reconciliation,
        due.class,
        due.reference,
        {% if is_incremental() -%}
        least(due.first_seen_on, coalesce(known.first_seen_on, due.first_seen_on)) as first_seen_on,
        {%- else -%}
        due.first_seen_on,
        {%- endif %}
        greatest(due.last_seen_on, due.first_seen_on) as last_seen_on,
        due.is_open,
        due.amount::decimal(38, 8) as amount,
        due.currency,
        due.client_id,
        due.entity
    from due
    {% if is_incremental() -%}
    left join known on due.break_id = known.break_id
    union all
    select
        known.break_id,
        known.reconciliation,
        known.class,
        known.reference,
        known.first_seen_on,
        known.last_seen_on,
        false as is_open,
        known.amount,
        known.currency,
        known.client_id,
        known.entity
    from known
    where known.break_id not in (select due.break_id from due)
    {%- endif %}
),

calendars as (select distinct entity from {{ ref('entities') }}),

business_days as (select * from {{ ref('int_business_days') }}),

aged as (
    select
        stands.*,
        case when stands.is_open then greatest({{ known_at() }}::date, stands.last_seen_on) else stands.last_seen_on end as aged_to,
        coalesce(calendars.entity, 'any') as calendar
    from stands
    left join calendars on stands.entity = calendars.entity
),

-- the latest of each thing that people said about a break
actions as (
    select
        break_id,
        arg_max(owner, seq) filter (where owner is not null) as owner,
        arg_max(comment, seq) filter (where comment is not null) as comment,
        arg_max(entry_id, seq) filter (where entry_id is not null) as entry_id,
        arg_max(reason, seq) filter (where is_resolved) as reason,
        arg_max(actor_id, seq) filter (where is_resolved) as resolved_by,
        max(occurred_at) filter (where is_resolved) as resolved_at
    from {{ ref('int_break_actions') }}
    group by break_id
),

breaks as (
    select
        aged.break_id,
        aged.reconciliation,
        aged.class,
        aged.first_seen_on,
        aged.last_seen_on,
        last_day.business_day_number - first_day.business_day_number as age_business_days,
        aged.amount,
        aged.currency,
        aged.reference,
        aged.client_id,
        aged.entity,
        case when not aged.is_open then 'gone' when actions.resolved_at is not null then 'resolved' else 'open' end as status,
        coalesce(actions.owner, classes.owner, 'finance') as owner,
        actions.comment,
        coalesce(actions.reason, case when not aged.is_open then 'the difference is gone' end) as resolution,
        actions.entry_id as resolution_entry_id,
        actions.resolved_by,
        actions.resolved_at
    from aged
    left join actions on aged.break_id = actions.break_id
    left join {{ ref('break_classes') }} as classes on aged.reconciliation = classes.reconciliation and aged.class = classes.class
    inner join business_days as first_day on aged.calendar = first_day.entity and aged.first_seen_on = first_day.day
    inner join business_days as last_day on aged.calendar = last_day.entity and aged.aged_to = last_day.day
)

select
    *,
    {{ run_id() }} as _run_id
from breaks
{%- if is_incremental() %}
where break_id not in (
    select same.break_id from (select * from breaks intersect select * exclude (_run_id) from known) as same
)
{%- endif %}
