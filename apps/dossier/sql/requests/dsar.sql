-- Data-subject export: what the client gave us, did and was told. No monitoring, screening for crime, internal checks, notes or ratings of ours.
select
    occurred_at as happened_at, stream as part, event_type as what, stream_id as reference,
    case
        when json_valid(after)
            then json_merge_patch(
                after, '{"detail": null, "risk_rating": null, "second_actor_id": null, "rule_version": null, "sales_agent": null}'
            )::varchar
        else after
    end as said
from compliance.fct_audit_events
where
    client_id = $client_id
    and (
        stream in ('client', 'session', 'communication', 'ticket', 'account')
        or (stream = 'payment' and source_feed in ('cash_requests', 'psp_transactions'))
        or (
            stream = 'kyc'
            and event_type in ('kyc.submitted', 'kyc.document_received', 'kyc.status_changed', 'kyc.category_changed', 'kyc.appropriateness_recorded')
        )
        or (
            stream = 'kyc' and event_type = 'kyc.check_completed' and json_valid(after)
            and (after ->> 'check') in ('identity', 'address', 'liveness', 'source_of_funds', 'instrument_ownership')
        )
    )
union all by name
select
    executed_at as happened_at, 'deal' as part, 'deal.' || action as what, platform || ':' || deal_id as reference,
    json_object('symbol', symbol, 'lots', volume_lots::varchar, 'price', price::varchar, 'profit', profit::varchar, 'currency', currency)::varchar as said
from trading.fct_deals
where client_id = $client_id and action in ('buy', 'sell') and not coalesce(is_cancelled, false)
order by happened_at, part, what, reference, said
