{#- Writes to the lines where they stand now, as int_accrual_states found it; no figure of a line changes. Lines of earlier runs are then published by
    their key; lines that are new in this run go out with their rows. -#}
{%- macro apply_accrual_states() -%}
    {%- set lines = ref('fct_commission_accruals') -%}
    {%- set written = "(select * from " ~ this ~ " where _run_id = " ~ _control('run_id') ~ ")" -%}
    {%- set changed = run_query("select count(*), count(*) filter (where written_by < _run_id) from " ~ written).rows[0] if execute else [0, 0] -%}
    {%- if changed[0] == 0 -%} select 1
    {%- else -%}
    update {{ lines }} as lines
    set status = steps.status, approval_id = steps.approval_id, payout_id = steps.payout_id, _run_id = steps._run_id
    from (
        select accrual_id, arg_max(status, known_at) as status, arg_max_null(approval_id, known_at) as approval_id,
            arg_max_null(payout_id, known_at) as payout_id, max(_run_id) as _run_id
        from {{ written }} group by accrual_id
    ) as steps
    where lines.accrual_id = steps.accrual_id;
    {%- if changed[1] %}
    update control.models
    set publish_mode = 'keyed', publish_key = ['accrual_id'], run_id = {{ run_id() }}
    where model = '{{ lines.identifier }}'
    {%- endif -%}
    {%- endif -%}
{%- endmacro -%}

{#- When a line of a deal executed `at` can be paid under a plan's schedule (`daily`, `weekly` or `monthly`, with `+N` days of delay): the end of the deal's
    day, week or month and N days. -#}
{%- macro payable_from(at, schedule) -%}
    case regexp_extract({{ schedule }}, '^[a-z]+')
        when 'daily' then date_trunc('day', {{ at }}) + interval 1 day
        when 'weekly' then date_trunc('week', {{ at }}) + interval 7 day
        else date_trunc('month', {{ at }}) + interval 1 month
    end + to_days(coalesce(try_cast(regexp_extract({{ schedule }}, '[+] *([0-9]+)', 1) as integer), 0))
{%- endmacro -%}

{#- The earliest moment at which a line of the loads after `taken` accrued, as a constant, so that row groups of before are skipped. -#}
{%- macro earliest_accrual_since(taken) -%}
    {%- if not execute -%} {{ return(forever()) }} {%- endif -%}
    {%- set found = run_query(
        "select min(accrued_at)::varchar from " ~ ref('fct_commission_accruals') ~ " where _horizon_load_id > " ~ taken
    ).columns[0].values()[0] -%}
    {{ return("timestamp '" ~ found ~ "'" if found else forever()) }}
{%- endmacro -%}
