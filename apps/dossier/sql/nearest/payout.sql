select payout_id as near from partners.fct_payouts order by jaro_winkler_similarity(payout_id, $id) desc, payout_id limit 5
