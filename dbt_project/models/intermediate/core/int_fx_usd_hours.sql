-- Closed validities spread over the clock hours they touch: what happened in an hour meets its rate by equality of currency and hour, with the
-- validity as the residue. A range join over all deals would compare each with every quote of its currency.
with rates as (select * from {{ ref('int_fx_usd') }} where valid_to is not null)

select
    currency,
    unnest(range(date_trunc('hour', valid_from), valid_to, interval 1 hour)) as hour_at,
    valid_from,
    valid_to,
    rate_to_usd,
    _load_id
from rates
