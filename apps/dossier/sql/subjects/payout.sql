-- A payout to a partner, or an approval that waits for its payment.
select
    payouts.partner_id, partners.client_id, partners.name as partner_name, partners.entity, payouts.period, payouts.amount, payouts.currency, payouts.status,
    payouts.approved_by, payouts.approved_at, payouts.approved_at as requested_at, payouts.paid_at, payouts.entry_id
from partners.fct_payouts as payouts
left join core.dim_partners as partners on payouts.partner_id = partners.partner_id
where payouts.payout_id = $id
