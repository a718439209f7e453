select stream_id as near from compliance.fct_audit_events
where stream = 'payment' and (event_type like 'deposit.%' or event_type like 'psp.deposit.%')
group by stream_id
order by jaro_winkler_similarity(stream_id, $id) desc, stream_id limit 5
