-- What a PSP owes us from day to day: what it captured and charged, what it settled, and what is still with it.
with matches as (
    select * from {{ ref('int_psp_matches') }}
    where effect <> 0
),

days as (
    select
        psp,
        coalesce(entity, 'unassigned') as entity,
        currency,
        occurred_at::date as day,
        sum(effect) filter (where kind not in ('settlement', 'reserve_hold', 'reserve_release')) as captured,
        -sum(effect) filter (where kind = 'settlement') as settled,
        -sum(effect) filter (where kind in ('reserve_hold', 'reserve_release')) as reserved
    from matches
    group by all
)

select
    psp,
    entity,
    currency,
    day,
    coalesce(captured, 0)::decimal(38, 8) as captured,
    coalesce(settled, 0)::decimal(38, 8) as settled,
    coalesce(reserved, 0)::decimal(38, 8) as reserved,
    sum(coalesce(captured, 0) - coalesce(settled, 0) - coalesce(reserved, 0)) over so_far::decimal(38, 8) as gap,
    sum(coalesce(reserved, 0)) over so_far::decimal(38, 8) as reserve,
    {{ run_id() }} as _run_id
from days
window so_far as (partition by psp, entity, currency order by day)
