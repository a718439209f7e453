-- Invariant 10 of domain 8.3: the memo account of a login holds its platform's credit less what the credit covers of a negative balance, at the newest
-- snapshot. On an increment only logins whose memo account moved are looked at.
{{ config(severity='warn') }}
{%- set from_run = _control('check_from_run_id') %}
with memo as (
    select
        platform,
        login,
        occurred_at,
        amount
    from {{ ref('fct_postings') }}
    where
        account_code = '9010'
        {%- if from_run %}
        and (platform, login) in (
            select (moved.platform, moved.login) from {{ ref('fct_postings') }} as moved where moved._run_id >= {{ from_run }} and moved.account_code = '9010'
        )
        {%- endif %}
),

logins as (select distinct platform, login from memo),

snapshots as (
    select
        days.platform,
        days.login,
        max(days.captured_at) as captured_at,
        greatest(arg_max(days.credit, days.captured_at) + least(arg_max(days.balance, days.captured_at), 0), 0) as shown
    from {{ ref('fct_account_daily') }} as days
    inner join logins on days.platform = logins.platform and days.login = logins.login
    where days.captured_at is not null
    group by days.platform, days.login
)

select
    snapshots.platform,
    snapshots.login,
    snapshots.shown,
    coalesce(sum(memo.amount), 0) as booked
from snapshots
left join memo
    on snapshots.platform = memo.platform and snapshots.login = memo.login and snapshots.captured_at >= memo.occurred_at
group by snapshots.platform, snapshots.login, snapshots.shown
having coalesce(sum(memo.amount), 0) <> snapshots.shown
