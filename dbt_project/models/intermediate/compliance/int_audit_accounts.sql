{{ audit_changes('trading_accounts', ['platform', 'login'], ['platform', 'login', 'changed_at'], 'changed_at', "'account'", "changes.platform || ':' || changes.login", client_id='changes.client_id') }}
union all
-- balance operations, cancelled and corrected deals; plain executions are not copied (docs/decisions)
select
    'deals:' || deals.platform || ':' || deals.deal_id || ':v' || deals._version as event_id,
    'account' as stream,
    deals.platform || ':' || deals.login as stream_id,
    'deal.' || deals.action || case when deals.is_cancelled then '.cancelled' when deals._version > 1 then '.corrected' else '' end as event_type,
    deals.executed_at as occurred_at,
    deals.recorded_at,
    'system' as actor_type,
    deals.platform as actor_id,
    -- who had the account at the deal, as far as it was known when the deal was
    (
        select
            arg_max(
                accounts.client_id, (accounts.changed_at, coalesce(accounts.source_version, -1), accounts._load_id, accounts._row_number)
            )
        from {{ source('raw', 'trading_accounts') }} as accounts
        where
            accounts.platform = deals.platform
            and accounts.login = deals.login
            and accounts.changed_at <= deals.executed_at
            and accounts.recorded_at <= deals.recorded_at
    ) as client_id,
    coalesce(deals.comment, deals.reason) as reason,
    null::varchar as before,
    {{ json_object_of({
        'profit': 'deals.profit::varchar', 'commission': 'deals.commission::varchar', 'swap': 'deals.swap::varchar', 'fee': 'deals.fee::varchar',
        'entry': 'deals.entry', 'symbol': 'deals.symbol', 'volume_lots': 'deals.volume_lots::varchar', 'price': 'deals.price::varchar'
    }) }} as after,
    coalesce(deals.reference, deals.position_id, deals.platform || ':' || deals.deal_id) as correlation_id,
    'deals' as source_feed,
    deals.platform || ':' || deals.deal_id as source_key,
    deals._version as version,
    deals._row_hash as row_hash,
    deals._load_id
from {{ source('raw', 'deals') }} as deals
where deals.action not in ('buy', 'sell') or deals._version > 1 or deals.is_cancelled
