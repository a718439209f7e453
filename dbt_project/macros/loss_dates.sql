{#- The calculation dates that are due, as rows of a VALUES list, or none: the first day of each quarter since the first deal up to known_at(). An
    increment computes those it has not, and those that lie after the earliest moment of what has come since (late deals restate a figure). -#}
{%- macro loss_dates() -%}
    {%- set due -%}
        select strftime(quarter, '%Y-%m-%d')
        from (
            select unnest(generate_series(date_trunc('quarter', min(executed_at)) + interval 3 month, {{ known_at() }}, interval 3 month)) as quarter
            from {{ source('raw', 'deals') }}
            where _load_id <= {{ horizon_load_id() }}
        )
        {%- if is_incremental() %}
        where
            quarter::date not in (select distinct calculation_date from {{ this }})
            or quarter > (
                select min(earliest)
                from (
                    {%- set moments = {'deals': 'executed_at', 'account_snapshots': 'captured_at', 'positions': 'captured_at', 'trading_accounts': 'changed_at',
                        'clients': 'changed_at', 'staff': 'changed_at'} %}
                    {%- for feed, moment in moments.items() %}
                    select min({{ moment }}) as earliest from {{ source('raw', feed) }} where {{ new_rows() }}
                    union all
                    {%- endfor %}
                    select min(occurred_at) as earliest from {{ source('raw', 'kyc_events') }} where category is not null and {{ new_rows() }}
                )
            )
        {%- endif %}
        order by 1
    {%- endset -%}
    {%- if execute -%} {{ return(run_query(due).columns[0].values() | list) }} {%- else -%} {{ return([]) }} {%- endif -%}
{%- endmacro -%}
