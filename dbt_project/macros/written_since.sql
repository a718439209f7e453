{#- A condition on a mart's or model's `_run_id`: rows written since this model was last built. For models that are built once a run (not `stepwise`). -#}
{%- macro written_since(alias) -%}
    {{ alias }}._run_id > {{ _last_run() }}
{%- endmacro -%}

{%- macro _last_run() -%}
    {%- if execute and is_incremental() -%}
        {{ return(run_query("select coalesce(max(run_id), 0) from control.models where model = '" ~ this.identifier ~ "'").columns[0].values()[0]) }}
    {%- else -%} {{ return(0) }}
    {%- endif -%}
{%- endmacro -%}
