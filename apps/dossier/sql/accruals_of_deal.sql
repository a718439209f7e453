-- What the deal earned partners, and why a partner earned nothing of it.
select
    accrual_id, revision, partner_id, level, plan_id, plan_version, rule_id, rule_version, basis_amount, basis_unit, rate, amount, currency,
    status, accrued_at, null as zero_reason
from partners.fct_commission_accruals where platform = $platform and deal_id = $deal_id
union all by name
select partner_id, reason as zero_reason from partners.fct_commission_zero where platform = $platform and deal_id = $deal_id
order by partner_id, revision
