-- R5 Client file: application and its changes, documents, questionnaire and warnings, category, rating and status with their history.
select
    'application' as part, history.valid_from as happened_at, history.recorded_at, 'client' as what,
    concat_ws(', ', history.client_type, history.category, history.country_of_residence, history.occupation) as value,
    null::varchar as actor_id, null::varchar as event_id, history.terms_accepted_at as agreement_accepted_at, history.first_name, history.last_name,
    history.company_name, history.email, history.phone, history.address
from core.dim_clients_history as history where history.client_id = $client_id
union all by name
select 'rating' as part, valid_from as happened_at, recorded_at, attribute as what, value, actor_id, event_id
from compliance.fct_client_ratings where client_id = $client_id
union all by name
select 'status' as part, valid_from as happened_at, recorded_at, 'kyc_status' as what, status as value, actor_id, event_id
from compliance.fct_kyc_status where client_id = $client_id
union all by name
select
    case event_type when 'kyc.document_received' then 'document' when 'kyc.appropriateness_recorded' then 'questionnaire' else 'check' end as part,
    occurred_at as happened_at, recorded_at, event_type as what,
    case
        when json_valid(after)
            then concat_ws(
                ', ', after ->> 'document_type', after ->> 'document_country', after ->> 'document_expires_on', after ->> 'check', after ->> 'result',
                after ->> 'outcome'
            )
    end as value,
    actor_id, event_id
from compliance.fct_audit_events
where
    stream = 'kyc' and stream_id = $client_id
    and event_type in ('kyc.document_received', 'kyc.appropriateness_recorded', 'kyc.check_completed', 'kyc.submitted', 'kyc.review_due')
order by happened_at, part, what, event_id, recorded_at
