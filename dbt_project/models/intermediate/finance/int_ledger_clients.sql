-- Whose money: a client's entity over time, the first row standing for all time before it, and whether it is a test client.
with clients as (select * from {{ ref('int_clients') }})

select
    client_id,
    case when lag(valid_from) over client is null then timestamp '1900-01-01' else valid_from end as valid_from,
    coalesce(valid_to, timestamp '9999-12-31') as valid_to,
    entity,
    arg_max(is_test, valid_from) over (partition by client_id) as is_test
from clients
window client as (partition by client_id order by valid_from)
