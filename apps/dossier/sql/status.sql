-- Identification status, risk rating and category at each point, on both clocks.
{moments},

held as (
    select 'kyc_status' as attribute, status as value, valid_from, valid_to, recorded_at, superseded_at
    from compliance.fct_kyc_status where client_id = $client_id
    union all
    select attribute, value, valid_from, valid_to, recorded_at, superseded_at
    from compliance.fct_client_ratings where client_id = $client_id
)

select moments.point, moments.clock, held.attribute, held.value, held.valid_from as held_since
from held, moments
where
    held.valid_from <= moments.moment and (held.valid_to is null or moments.moment < held.valid_to)
    and held.recorded_at <= moments.knowledge and (held.superseded_at is null or moments.knowledge < held.superseded_at)
order by all
