-- The words of a bank line's reference, in which ids are looked for.
select distinct
    bank_account || ':' || statement_id || ':' || line_no as line_key,
    unnest(regexp_split_to_array(reference, '[\s,;()]+') || regexp_split_to_array(reference, '[\s,;()/:.]+')) as word
from {{ ref('stg_bank_statement_lines') }}
where reference is not null
