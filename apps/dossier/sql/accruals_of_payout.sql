-- The accruals that the payout pays.
select accrual_id, revision, platform, deal_id, client_id, level, plan_id, plan_version, rule_id, rule_version, amount, currency, executed_at, status, approval_id
from partners.fct_commission_accruals where partner_id = $partner_id and (payout_id = $id or approval_id = $id)
order by executed_at, accrual_id, revision
