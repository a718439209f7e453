{{ config(meta={'owner': 'finance', 'sorted_by': ['base_currency', 'quote_currency', 'valid_from']}) }}

with quotes as (select * from {{ ref('stg_fx_rates') }})

select
    base_currency,
    quote_currency,
    quoted_at as valid_from,
    lead(quoted_at) over (partition by base_currency, quote_currency order by quoted_at) as valid_to,
    rate,
    recorded_at,
    {{ run_id() }} as _run_id
from quotes
