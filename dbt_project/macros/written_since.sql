{#- A condition on a mart's or model's `_run_id`: rows written since this model was last built, with all of the run under way, whose earlier
    steps may have built it too. For models that replace by key, to which a row taken twice does no harm. -#}
{%- macro written_since(alias) -%}
    {{ alias }}._run_id > {{ _last_run() }}
{%- endmacro -%}

{%- macro _last_run() -%}
    {%- if execute and is_incremental() -%}
        {{ return(run_query(
            "select coalesce(least(max(models.run_id), max(run.run_id) - 1), 0) from control.models as models cross join control.run as run where models.model = '"
            ~ this.identifier ~ "'"
        ).columns[0].values()[0]) }}
    {%- else -%} {{ return(0) }}
    {%- endif -%}
{%- endmacro -%}
