{{ config(materialized='view') }}

{#- Every event of the money feeds, with the client's entity, the reason not to post (demo, test, unknown, no rule) and its one rule. The union
    below is by name: what a feed does not know is null. -#}
with events as (
    select * from {{ ref('int_ledger_psp_events') }}
    union all by name
    select * from {{ ref('int_ledger_request_events') }}
    union all by name
    select * from {{ ref('int_ledger_deposit_request_events') }}
    union all by name
    select * from {{ ref('int_ledger_transfer_events') }}
    union all by name
    select * from {{ ref('int_ledger_bank_events') }}
    union all by name
    select * from {{ ref('int_ledger_other_events') }}
)

{{ with_rule('events') }}
