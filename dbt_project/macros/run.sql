{#- The run under way, from control.run (one row, written by warehouse.build): run_id, horizon_load_id, recorded_at, check_from_run_id.
    Read once per model and embedded as constants, so that row groups are skipped by load and run. -#}
{%- macro _control(column) -%}
    {%- if execute -%} {{ return(run_query("select " ~ column ~ " from control.run").columns[0].values()[0]) }}
    {%- else -%} {{ return(0) }}
    {%- endif -%}
{%- endmacro -%}

{#- The id of the run that writes a row: the last column of every mart, `_run_id`. The publish's delta is a filter on it. -#}
{%- macro run_id() -%} {{ _control('run_id') }}::bigint {%- endmacro -%}

{#- The newest load this step may see. -#}
{%- macro horizon_load_id() -%} {{ _control('horizon_load_id') }}::bigint {%- endmacro -%}

{#- When the warehouse learned the newest load of this step (UTC): "now" for every model, so that a replay gives the same rows. -#}
{%- macro known_at() -%} timestamp '{{ _control("strftime(recorded_at, '%Y-%m-%d %H:%M:%S.%f')") }}' {%- endmacro -%}

{#- The highest load this model has taken, from control.models; 0 on a full refresh. -#}
{%- macro high_water() -%}
    {%- if execute and is_incremental() -%}
        {{ return(run_query("select coalesce(max(high_water), 0) from control.models where model = '" ~ this.identifier ~ "'").columns[0].values()[0]) }}
    {%- else -%} {{ return(0) }}
    {%- endif -%}
{%- endmacro -%}

{#- A condition on `_load_id`: the rows of loads that this model has not yet seen. -#}
{%- macro new_rows(alias=none) -%}
    {%- set column = (alias ~ '.' if alias else '') ~ '_load_id' -%}
    {{ column }} > {{ high_water() }} and {{ column }} <= {{ _control('horizon_load_id') }}
{%- endmacro -%}

{#- Whether a load of one of these feeds has come since this model was last built: what cannot have changed need not be asked of the history. -#}
{%- macro has_new_loads(feeds) -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {%- set found -%}
        select count(*) from raw.loads
        where
            load_id > {{ high_water() }} and load_id <= {{ _control('horizon_load_id') }}
            and feed in ('{{ feeds | join("', '") }}')
    {%- endset -%}
    {{ return(run_query(found).columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- Whether a row that corrects an earlier one of these feeds has come since this model was last built: what the earlier one was about may lose by it. -#}
{%- macro has_new_corrections(feeds) -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {%- set found -%}
        select
            {% for feed in feeds -%}
            (select count(*) from raw.{{ feed }} where _version > 1 and {{ new_rows() }}){{ ' + ' if not loop.last }}
            {%- endfor %}
    {%- endset -%}
    {{ return(run_query(found).columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- Whether all that has come since this model was last built are trades: new deals, no correction and no balance operation among them. What
    depends on deals only through balance operations has then nothing to look at. -#}
{%- macro only_trades_came() -%}
    {%- if not execute or not is_incremental() -%} {{ return(false) }} {%- endif -%}
    {%- set span = 'load_id > ' ~ high_water() ~ ' and load_id <= ' ~ _control('horizon_load_id') -%}
    {%- set found -%}
        select
            (select count(*) from raw.loads where {{ span }} and feed is distinct from 'deals')
            + (select count(*) from raw.deals where _{{ span | replace(' load_id', ' _load_id') }} and (_version > 1 or action is distinct from 'buy' and action is distinct from 'sell'))
    {%- endset -%}
    {{ return(run_query(found).columns[0].values()[0] == 0) }}
{%- endmacro -%}

{#- Post-hook of every model: the mark moves in the transaction that wrote the rows, so a crash between models is harmless.
    It also records how a mart is published, from the model's own config (materialisation, strategy, unique_key)
    and meta (`control_totals`: columns whose sums must agree after a publish; `sorted_by`: what it is looked up by; `publish_mode`:
    how a view goes out, which has no strategy that would say so). -#}
{%- macro mark_built() -%}
    {%- set incremental = config.get('materialized') == 'incremental' -%}
    {%- set keyed = incremental and config.get('unique_key') is not none -%}
    {%- set keys = config.get('unique_key', []) or [] -%}
    {%- set meta = config.get('meta', {}) or {} -%}
    insert or replace into control.models (
        model, schema_name, is_mart, high_water, run_id, full_run_id, publish_mode, publish_key, control_totals, sorted_by
    )
    select
        '{{ this.identifier }}',
        '{{ this.schema }}',
        {{ 'true' if model.fqn[1] == 'marts' else 'false' }},
        run.horizon_load_id,
        run.run_id,
        {% if is_incremental() -%}
            (select models.full_run_id from control.models as models where models.model = '{{ this.identifier }}')
        {%- else -%} run.run_id {%- endif %},
        '{{ meta.get('publish_mode') or ('keyed' if keyed else 'append' if incremental else 'replace') }}',
        {{ _names([keys] if keys is string else keys if keyed else []) }},
        {{ _names(meta.get('control_totals', [])) }},
        {{ _names(meta.get('sorted_by', [])) }}
    from control.run
{%- endmacro -%}

{#- A list of names as a DuckDB VARCHAR[] literal. -#}
{%- macro _names(names) -%}
    [{% for name in names %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}]::varchar[]
{%- endmacro -%}

{#- A condition: the models were last built up to the same load. What compares a model of the live path with one that follows it can only be judged then. -#}
{%- macro built_alike(models) -%}
    (
        select count(distinct marks.high_water) from control.models as marks
        where marks.model in ('{{ models | join("', '") }}')
    ) = 1
{%- endmacro -%}
