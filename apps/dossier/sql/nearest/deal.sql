select platform || ':' || deal_id as near from trading.fct_deals
order by jaro_winkler_similarity(platform || ':' || deal_id, $id) desc, near limit 5
