-- R8 Marketing, affiliates, introducers: each partner with plan, payments, clients, their countries and complaints.
with paid as (
    select partner_id, currency, sum(amount)::decimal(38, 8) as paid, count(*) as payouts
    from partners.fct_payouts
    where status = 'paid' and paid_at >= $from::timestamp and paid_at < $until::timestamp
    group by all
),

brought as (
    select
        partner_id, count(*) as clients, count(first_deposit_at) as clients_funded,
        list(distinct country_of_residence order by country_of_residence) filter (where country_of_residence is not null) as countries
    from core.dim_clients where partner_id is not null and not coalesce(is_test, false)
    group by all
),

complained as (
    select clients.partner_id, count(*) as complaints
    from operations.fct_tickets as tickets
    inner join core.dim_clients as clients on tickets.client_id = clients.client_id
    where tickets.is_complaint and tickets.opened_at >= $from::timestamp and tickets.opened_at < $until::timestamp and clients.partner_id is not null
    group by all
)

select
    partners.partner_id, partners.name, partners.entity, partners.status, partners.rank, partners.plan_id as agreement, partners.payout_method,
    coalesce(brought.clients, 0) as clients, coalesce(brought.clients_funded, 0) as clients_funded, brought.countries,
    coalesce(complained.complaints, 0) as complaints, paid.currency, paid.paid, coalesce(paid.payouts, 0) as payouts
from core.dim_partners as partners
left join brought on partners.partner_id = brought.partner_id
left join complained on partners.partner_id = complained.partner_id
left join paid on partners.partner_id = paid.partner_id
where $entity::varchar is null or partners.entity = $entity
order by partners.partner_id, paid.currency
