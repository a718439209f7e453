{{ config(materialized='view') }}

-- The names to be screened against each other, each side once, in their comparable form.
select distinct 'client' as side, keys.name_key
from (
    select unnest([concat_ws(' ', first_name, last_name), company_name]) as name from {{ ref('stg_clients') }}
) as clients
inner join {{ ref('int_name_keys') }} as keys on clients.name = keys.name
where keys.name_key is not null
union
select distinct 'list' as side, keys.name_key
from {{ ref('int_listed_names') }} as listed
inner join {{ ref('int_name_keys') }} as keys on listed.name = keys.name
where keys.name_key is not null
