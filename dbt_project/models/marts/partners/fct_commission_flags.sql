{{ config(meta={'owner': 'partners', 'sorted_by': ['partner_id']}) }}

with proposals_decided as (
    select
        event_id,
        (after -> '$.facts') ->> 'facts.partner_id' as partner_id,
        after ->> '$.decisions[0].currency' as currency,
        client_id,
        type = 'approval.approved' as is_approved,
        occurred_at,
        recorded_at
    from {{ ref('stg_operational_events') }}
    where
        subject_type = 'commission_clawback'
        and type in ('approval.approved', 'approval.rejected')
        and (after ->> '$.decisions[0].final') = 'true'
),

-- what was approved to be taken back of a client is taken back up to then
taken_back as (
    select
        partner_id,
        currency,
        client_id,
        max(recorded_at) as known_at
    from proposals_decided
    where is_approved
    group by partner_id, currency, client_id
),

months as (
    select
        lines.partner_id,
        lines.currency,
        lines.client_id,
        lines.period,
        sum(lines.amount) as amount,
        sum(lines.amount_usd) as amount_usd,
        min(lines.accrued_at) as first_at
    from {{ ref('int_partner_client_months') }} as lines
    left join taken_back
        on lines.partner_id = taken_back.partner_id and lines.currency = taken_back.currency and lines.client_id = taken_back.client_id
    where taken_back.known_at is null or lines.accrued_at > taken_back.known_at
    group by lines.partner_id, lines.currency, lines.client_id, lines.period
),

cut as (
    select
        months.*,
        {{ cut_to_minor_unit('greatest(months.amount, 0)', 'coalesce(units.minor_digits, 2)') }} as take_back
    from months
    left join {{ ref('currency_units') }} as units on months.currency = units.currency
),

standing as (
    select
        partner_id,
        currency,
        client_id,
        sum(amount) as amount,
        sum(amount_usd) as amount_usd,
        sum(take_back) as take_back,
        min(first_at) as first_at,
        to_json(list(struct_pack(period := period, amount := rtrim(rtrim(take_back::varchar, '0'), '.')) order by period) filter (where take_back > 0))::varchar as lines
    from cut
    group by partner_id, currency, client_id
    having sum(amount) <> 0
),

clients as (select * from {{ ref('dim_clients') }}),

partners as (select * from {{ ref('dim_partners') }}),

-- what undoes a deposit that made a client worth paying for
undone_deposits as (
    select
        client_id,
        kind as flag,
        max(occurred_at) as since,
        arg_max(psp || ':' || event_id, occurred_at) as evidence
    from {{ ref('stg_psp_transactions') }}
    where kind in ('chargeback', 'refund') and status = 'completed' and client_id is not null
    group by client_id, kind
),

won_back as (
    select
        client_id,
        max(occurred_at) as won_at
    from {{ ref('stg_psp_transactions') }}
    where kind = 'chargeback_reversal' and status = 'completed' and client_id is not null
    group by client_id
),

-- decisions taken elsewhere name no client
decided as (
    select
        partner_id,
        max(occurred_at) as decided_at
    from {{ ref('stg_commission_decisions') }}
    where
        (event in ('clawed_back', 'released') or (event = 'adjusted' and amount < 0))
        and split_part(event_id, ':', 1) not in (select proposals_decided.event_id from proposals_decided)
    group by partner_id
),

own_decided as (
    select
        partner_id,
        currency,
        client_id,
        max(occurred_at) as decided_at,
        arg_max(is_approved, occurred_at) as was_approved
    from proposals_decided
    group by partner_id, currency, client_id
),

-- an alert about the client that turned out right
confirmed_alerts as (
    select
        client_id,
        max(occurred_at) as since,
        arg_max('alert ' || subject_id, occurred_at) as evidence
    from {{ ref('stg_operational_events') }}
    where
        subject_type = 'alert' and type = 'approval.approved' and reason = 'confirmed_risk'
        and (after ->> '$.decisions[0].final') = 'true'
    group by client_id
),

-- the partner's own person, and what tells that a client is the same one
persons as (
    select
        partners.partner_id,
        clients.client_id,
        nullif(lower(clients.email), '') as email,
        nullif(regexp_replace(clients.phone, '[^0-9]', '', 'g'), '') as phone,
        lower(clients.last_name) || ':' || clients.birth_date as named_and_born
    from partners
    inner join clients on partners.client_id = clients.client_id
),

alike as (
    select
        standing.partner_id,
        standing.client_id,
        case
            when persons.client_id = standing.client_id then 'the same client'
            when persons.email = lower(clients.email) then 'the same address of mail as ' || persons.client_id
            when persons.phone = regexp_replace(clients.phone, '[^0-9]', '', 'g') then 'the same telephone as ' || persons.client_id
            else 'the same name and birth date as ' || persons.client_id
        end as evidence
    from (select distinct partner_id, client_id from standing) as standing
    inner join clients on standing.client_id = clients.client_id
    inner join persons on standing.partner_id = persons.partner_id
    where
        persons.client_id = standing.client_id
        or persons.email = lower(clients.email)
        or persons.phone = regexp_replace(clients.phone, '[^0-9]', '', 'g')
        or persons.named_and_born = lower(clients.last_name) || ':' || clients.birth_date
),

flags as (
    select
        standing.partner_id,
        standing.currency,
        standing.client_id,
        'kyc_not_approved' as flag,
        null::timestamp as since,
        'identification ' || clients.kyc_status as evidence
    from standing
    inner join clients on standing.client_id = clients.client_id
    where clients.kyc_status <> 'APPROVED'
    union all
    select
        standing.partner_id,
        standing.currency,
        standing.client_id,
        'unfunded' as flag,
        null::timestamp as since,
        'no completed deposit' as evidence
    from standing
    inner join clients on standing.client_id = clients.client_id
    where clients.first_deposit_at is null
    union all
    select
        standing.partner_id,
        standing.currency,
        standing.client_id,
        undone_deposits.flag,
        undone_deposits.since,
        undone_deposits.evidence
    from standing
    inner join undone_deposits on standing.client_id = undone_deposits.client_id
    left join won_back on standing.client_id = won_back.client_id and undone_deposits.flag = 'chargeback'
    left join decided on standing.partner_id = decided.partner_id
    where
        coalesce(won_back.won_at, timestamp '1900-01-01') < undone_deposits.since
        and coalesce(decided.decided_at, timestamp '1900-01-01') < undone_deposits.since
    union all
    select
        standing.partner_id,
        standing.currency,
        standing.client_id,
        'self_referral' as flag,
        null::timestamp as since,
        alike.evidence
    from standing
    inner join alike on standing.partner_id = alike.partner_id and standing.client_id = alike.client_id
    union all
    select
        standing.partner_id,
        standing.currency,
        standing.client_id,
        'fraud' as flag,
        confirmed_alerts.since,
        confirmed_alerts.evidence
    from standing
    inner join confirmed_alerts on standing.client_id = confirmed_alerts.client_id
)

select
    flags.partner_id,
    flags.currency,
    flags.client_id,
    flags.flag,
    flags.since,
    flags.evidence,
    standing.amount::decimal(38, 8) as amount,
    standing.amount_usd::decimal(38, 8) as amount_usd,
    case when flags.flag not in ('kyc_not_approved', 'unfunded') then standing.take_back else 0 end::decimal(38, 8) as take_back,
    case when flags.flag not in ('kyc_not_approved', 'unfunded') then standing.lines end::varchar as take_back_lines,
    coalesce(flags.since, standing.first_at) as flagged_at,
    {{ run_id() }} as _run_id
from flags
inner join standing
    on
        flags.partner_id = standing.partner_id
        and flags.currency = standing.currency
        and flags.client_id = standing.client_id
left join own_decided
    on
        flags.partner_id = own_decided.partner_id
        and flags.currency = own_decided.currency
        and flags.client_id = own_decided.client_id
-- what was decided stays decided: until something new happens, or after an approval something new is earned
where
    own_decided.decided_at is null
    or flags.flag in ('kyc_not_approved', 'unfunded')
    or flags.since > own_decided.decided_at
    or (flags.since is null and own_decided.was_approved)
