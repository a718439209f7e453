{#- The requests that the calling model's new rows touch: their own events and checks, and what is known of their clients. -#}
{%- macro touched_withdrawals() -%}
    {{ touched_by('cash_requests', 'request_id', ['event_id']) }}
    union
    {{ touched_by('risk_checks', 'subject_id', ['system', 'check_id']) }}
    union
    select requests.request_id
    from {{ source('raw', 'cash_requests') }} as requests
    where
        requests.event = 'requested'
        and requests.client_id in (
            {{ touched_by('kyc_events', 'client_id', ['provider', 'event_id']) }}
            union
            {{ touched_by('clients', 'client_id', ['client_id', 'changed_at']) }}
        )
{%- endmacro -%}
