-- What may be shared between clients, each value of each client once: when it was first and last seen with the client, and in which row.
with clients as (
    select
        versions.*,
        keys.name_key,
        'clients:' || versions.client_id || ':' || strftime(versions.valid_from, '%Y-%m-%dT%H:%M:%S.%f') as row_key
    from {{ ref('int_clients') }} as versions
    left join {{ ref('int_name_keys') }} as keys on concat_ws(' ', versions.first_name, versions.last_name) = keys.name
),

sessions as (select *, 'client_sessions:' || session_id as row_key from {{ ref('stg_client_sessions') }}),

requests as (select *, 'cash_requests:' || event_id as row_key from {{ ref('stg_cash_requests') }}),

payments as (select *, 'psp_transactions:' || psp || ':' || event_id as row_key from {{ ref('int_ledger_psp_rows') }}),

documents as (select *, 'kyc_events:' || provider || ':' || event_id as row_key from {{ ref('stg_kyc_events') }}),

shared_networks as (select entry_id as asn from {{ ref('stg_risk_lists') }} where kind = 'asn' union select name from {{ ref('stg_risk_lists') }} where kind = 'asn'),

seen as (
    select client_id, 'email' as attribute, lower(trim(email)) as value, valid_from as seen_at, row_key, recorded_at from clients
    union all
    select client_id, 'phone', regexp_replace(phone, '[^0-9]', '', 'g'), valid_from, row_key, recorded_at from clients
    union all
    select client_id, 'address', {{ sorted_tokens('address') }}, valid_from, row_key, recorded_at from clients
    union all
    select client_id, 'name_birth', name_key || ' ' || birth_date::varchar, valid_from, row_key, recorded_at from clients where valid_to is null
    union all
    select client_id, 'surname_birth', {{ sorted_tokens('last_name') }} || ' ' || birth_date::varchar, valid_from, row_key, recorded_at
    from clients where valid_to is null
    union all
    select client_id, 'document', upper(trim(document_fingerprint)), occurred_at, row_key, recorded_at from documents
    union all
    select client_id, 'instrument', instrument_id, occurred_at, row_key, recorded_at from payments
    union all
    select client_id, 'instrument', instrument_id, occurred_at, row_key, recorded_at from requests
    union all
    select client_id, 'instrument', instrument_id, occurred_at, row_key, recorded_at from sessions
    union all
    select client_id, 'device', device_id, occurred_at, row_key, recorded_at from sessions
    union all
    select client_id, 'device', device_id, occurred_at, row_key, recorded_at from requests where actor_type = 'client'
    union all
    select client_id, 'ip', ip, occurred_at, row_key, recorded_at from sessions
    where coalesce(ip_asn, '') not in (select shared_networks.asn from shared_networks where shared_networks.asn is not null)
)

select
    client_id,
    attribute,
    value,
    min(seen_at) as first_seen_at,
    max(seen_at) as last_seen_at,
    arg_min(row_key, (seen_at, row_key)) as row_key,
    arg_min(recorded_at, (seen_at, row_key)) as recorded_at
from seen
where client_id is not null and value is not null and value <> ''
group by client_id, attribute, value
