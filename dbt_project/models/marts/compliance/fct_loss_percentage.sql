with accounts as (select * from {{ ref('fct_loss_accounts') }}),

-- the newest round of the sign-off, and the value that was stated when it was decided
approvals as (
    select *
    from {{ ref('fct_approvals') }}
    where subject_type = 'published_figure' and subject_id like 'loss_percentage:%'
    qualify row_number() over (partition by subject_id order by round desc) = 1
),

stated as (
    select
        'operational_events:' || event_id as decision_id,
        (after ->> '$.facts."facts.value"')::decimal(18, 8) as value
    from {{ ref('stg_operational_events') }}
    where type = 'approval.approved' and subject_type = 'published_figure'
),

figures as (
    select
        entity,
        calculation_date,
        count(*) filter (where is_counted) as accounts,
        count(*) filter (where is_losing) as losing_accounts,
        count(*) filter (where is_losing_lifetime) as losing_accounts_lifetime,
        count(*) filter (where is_counted and not is_valued) as accounts_without_valuation,
        count(*) filter (where is_counted and is_valued and identity_difference <> 0) as accounts_not_tying
    from accounts
    group by entity, calculation_date
),

-- who is in one of two neighbouring figures, and how it stood there
bridges as (
    select
        coalesce(now.entity, before.entity) as entity,
        coalesce(now.calculation_date, (before.calculation_date + to_months(3))::date) as calculation_date,
        count(*) filter (where before.login is null) as entered,
        count(*) filter (where now.login is null) as left_population,
        count(*) filter (where now.is_losing and not before.is_losing) as turned_losing,
        count(*) filter (where before.is_losing and not now.is_losing) as turned_winning
    from (select * from accounts where is_counted) as now
    full join (select * from accounts where is_counted) as before
        on
            now.entity = before.entity
            and now.platform = before.platform
            and now.login = before.login
            and now.calculation_date = before.calculation_date + to_months(3)
    group by coalesce(now.entity, before.entity), coalesce(now.calculation_date, (before.calculation_date + to_months(3))::date)
),

firsts as (
    select
        entity,
        min(coalesce(opened_at, valid_from)) as first_account_at
    from {{ ref('int_accounts') }}
    where not is_demo and not is_test
    group by entity
),

shares as (
    select
        figures.*,
        {{ divide('figures.losing_accounts', 'figures.accounts', 8) }}::decimal(18, 8) as loss_pct,
        {{ divide('figures.losing_accounts_lifetime', 'figures.accounts', 8) }}::decimal(18, 8) as loss_pct_lifetime,
        -- half up from the counts themselves, at the digits of a percentage that are published
        {{ divide(
            "((2 * figures.losing_accounts * powers.ten + figures.accounts) // nullif(2 * figures.accounts, 0))::decimal(18, 0)", 'powers.ten::decimal(18, 0)', 8
        ) }}::decimal(18, 8) as published_loss_pct,
        rules.is_disclosed,
        rules.alert_days,
        rules.window_months,
        firsts.first_account_at
    from figures
    left join {{ ref('entities') }} as entities on figures.entity = entities.entity
    inner join {{ ref('loss_rules') }} as rules
        on
            coalesce(entities.regime, 'offshore') = rules.regime
            and figures.calculation_date >= rules.valid_from
            and figures.calculation_date < coalesce(rules.valid_to, timestamp '9999-12-31')
    inner join (select unnest([100, 1000, 10000, 100000, 1000000]::bigint[]) as ten, unnest([0, 1, 2, 3, 4]) as decimals) as powers
        on rules.decimals = powers.decimals
    left join firsts on figures.entity = firsts.entity
)

select
    shares.entity,
    shares.calculation_date,
    shares.accounts,
    shares.losing_accounts,
    shares.loss_pct,
    previous.loss_pct as previous_loss_pct,
    case
        when shares.accounts_without_valuation > 0 or shares.accounts_not_tying > 0 then 'incomplete'
        when approvals.outcome = 'approved' and stated.value is distinct from shares.published_loss_pct then 'restated'
        when approvals.outcome = 'approved' then 'signed_off'
        when approvals.state in ('open', 'waiting', 'info_requested', 'escalated') then 'proposed'
        else 'calculated'
    end as status,
    shares.published_loss_pct,
    stated.value as signed_off_loss_pct,
    approvals.closed_at as signed_off_at,
    approvals.maker_person as prepared_by,
    approvals.closed_by as signed_off_by,
    shares.loss_pct_lifetime,
    shares.losing_accounts_lifetime,
    coalesce(bridges.entered, 0)::bigint as entered,
    coalesce(bridges.left_population, 0)::bigint as left_population,
    coalesce(bridges.turned_losing, 0)::bigint as turned_losing,
    coalesce(bridges.turned_winning, 0)::bigint as turned_winning,
    shares.accounts_without_valuation,
    shares.accounts_not_tying,
    shares.is_disclosed,
    shares.first_account_at is null or shares.first_account_at > shares.calculation_date - to_months(shares.window_months) as has_short_history,
    (shares.calculation_date + to_months(3))::date as next_due_on,
    (shares.calculation_date + to_months(3))::date - shares.alert_days as next_alert_on,
    {{ run_id() }} as _run_id
from shares
left join shares as previous
    on shares.entity = previous.entity and shares.calculation_date = previous.calculation_date + to_months(3)
left join bridges on shares.entity = bridges.entity and shares.calculation_date = bridges.calculation_date
left join approvals on approvals.subject_id = 'loss_percentage:' || shares.entity || ':' || shares.calculation_date
left join stated on approvals.decision_id = stated.decision_id
order by shares.entity, shares.calculation_date
