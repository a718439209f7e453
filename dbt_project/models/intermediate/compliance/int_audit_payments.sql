select
    'cash_requests:' || requests.event_id || ':v' || requests._version as event_id,
    'payment' as stream,
    requests.request_id as stream_id,
    coalesce(requests.request_kind, 'request') || '.' || requests.event as event_type,
    requests.occurred_at,
    requests.recorded_at,
    requests.actor_type,
    requests.actor_id,
    requests.client_id,
    requests.reason,
    null::varchar as before,
    {{ json_object_of({
        'amount': 'requests.amount::varchar', 'currency': 'requests.currency', 'fee_amount': 'requests.fee_amount::varchar',
        'to_amount': 'requests.to_amount::varchar', 'to_currency': 'requests.to_currency', 'from_account': 'requests.from_account',
        'to_account': 'requests.to_account', 'method': 'requests.method', 'psp': 'requests.psp', 'instrument_id': 'requests.instrument_id',
        'destination_holder': 'requests.destination_holder', 'channel': 'requests.channel', 'ip': 'requests.ip', 'device_id': 'requests.device_id'
    }) }} as after,
    requests.request_id as correlation_id,
    'cash_requests' as source_feed,
    requests.event_id as source_key,
    requests._version as version,
    {{ seal_columns() }},
    requests._row_hash as row_hash,
    requests._load_id
from {{ source('raw', 'cash_requests') }} as requests
{{ join_seal('cash_requests', 'requests') }}
union all by name
select
    'risk_checks:' || checks.system || ':' || checks.check_id || ':v' || checks._version as event_id,
    'payment' as stream,
    checks.subject_id as stream_id,
    'risk_check.' || checks.result as event_type,
    checks.ran_at as occurred_at,
    checks.recorded_at,
    'system' as actor_type,
    checks.system as actor_id,
    -- the client of the request, as far as it was known when the check was
    (
        select arg_min(requests.client_id, (requests.recorded_at, requests._load_id, requests._row_number))
        from {{ source('raw', 'cash_requests') }} as requests
        where requests.request_id = checks.subject_id and requests.recorded_at <= checks.recorded_at
    ) as client_id,
    null::varchar as reason,
    null::varchar as before,
    {{ json_object_of({'check_name': 'checks.check_name', 'version': 'checks.version', 'result': 'checks.result', 'inputs': 'checks.inputs'}) }} as after,
    checks.subject_id as correlation_id,
    'risk_checks' as source_feed,
    checks.system || ':' || checks.check_id as source_key,
    checks._version as version,
    checks._row_hash as row_hash,
    checks._load_id
from {{ source('raw', 'risk_checks') }} as checks
union all by name
select
    'psp_transactions:' || transactions.psp || ':' || transactions.event_id || ':v' || transactions._version as event_id,
    'payment' as stream,
    coalesce(transactions.client_reference, transactions.psp || ':' || coalesce(transactions.psp_txn_id, transactions.event_id)) as stream_id,
    'psp.' || transactions.kind || '.' || transactions.status as event_type,
    transactions.occurred_at,
    transactions.recorded_at,
    'provider' as actor_type,
    transactions.psp as actor_id,
    transactions.client_id,
    transactions.decline_code as reason,
    null::varchar as before,
    {{ json_object_of({
        'amount': 'transactions.amount::varchar', 'currency': 'transactions.currency', 'fee_amount': 'transactions.fee_amount::varchar',
        'method': 'transactions.method', 'psp_txn_id': 'transactions.psp_txn_id', 'original_psp_txn_id': 'transactions.original_psp_txn_id',
        'instrument_id': 'transactions.instrument_id', 'instrument_holder': 'transactions.instrument_holder',
        'settlement_batch_id': 'transactions.settlement_batch_id'
    }) }} as after,
    coalesce(transactions.client_reference, transactions.psp || ':' || coalesce(transactions.psp_txn_id, transactions.event_id)) as correlation_id,
    'psp_transactions' as source_feed,
    transactions.psp || ':' || transactions.event_id as source_key,
    transactions._version as version,
    transactions._row_hash as row_hash,
    transactions._load_id
from {{ source('raw', 'psp_transactions') }} as transactions
