{#- The CTEs `touched` (platform, deal_id), `reached` (with what else moves) and `candidates` of an increment: the deals that are new or corrected since load `taken`, and those that a
    late row of anything they depend on touches. Reads the calling model's CTEs deals, client_partners and fx; `openings` says that deals which
    only open may pay too. -#}
{%- macro touched_commission_deals(taken, openings) -%}
{%- set entries = 'true' if openings else "deals.entry <> 'in'" -%}
slice_log as (select * from {{ ref('int_commission_slice_log') }}),

rewritten as (select * from deals where _horizon_load_id > {{ taken }}),

slice_changes as (
    select
        * exclude (sign, _load_id),
        sum(sign) as sign
    from slice_log
    where _load_id > {{ taken }}
    group by all
    having sum(sign) <> 0
),

-- old and new slices of a chain tile the same time: where they overlap with other content, something changed
changed_times as (
    select
        came.* replace (greatest(came.valid_from, gone.valid_from) as valid_from, least(came.valid_to, gone.valid_to) as valid_to)
    from slice_changes as came
    inner join slice_changes as gone
        on
            came.direct_partner_id = gone.direct_partner_id
            and came.own_client_id = gone.own_client_id
            and came.symbol_key = gone.symbol_key
            and came.group_key = gone.group_key
            and came.type_key = gone.type_key
            and came.valid_from < gone.valid_to
            and came.valid_to > gone.valid_from
            and came.content <> gone.content
    where came.sign > 0 and gone.sign < 0
    union all
    -- a chain or profile that came or went as a whole
    select *
    from slice_changes as alone
    where
        (direct_partner_id, own_client_id, symbol_key, group_key, type_key) not in (
            select (direct_partner_id, own_client_id, symbol_key, group_key, type_key) from slice_changes as other where other.sign <> alone.sign
        )
),

changed_clients as (
    select
        client_partners.client_id,
        changed_times.symbol_key,
        changed_times.group_key,
        changed_times.type_key,
        greatest(changed_times.valid_from, client_partners.valid_from) as valid_from,
        least(changed_times.valid_to, client_partners.valid_to) as valid_to
    from changed_times
    inner join client_partners
        on
            changed_times.direct_partner_id = client_partners.partner_id
            and changed_times.valid_from < client_partners.valid_to
            and changed_times.valid_to > client_partners.valid_from
    where changed_times.own_client_id in ('', client_partners.client_id)
    union all
    select
        client_id,
        '' as symbol_key,
        '' as group_key,
        '' as type_key,
        valid_from,
        valid_to
    from client_partners
    where _load_id > {{ taken }}
),

{%- if _commission_loads(taken, 'fx_rates') %}
-- a late quote touches the deals of its time; those whose money did not use it come out unchanged
changed_days as (
    select distinct
        valid_from,
        valid_to,
        unnest(range(
            date_trunc('day', valid_from), least(valid_to, (select max(newest.executed_at) + interval 1 day from {{ ref('fct_deals') }} as newest)), interval 1 day
        )) as day_at
    from fx
    where _load_id > {{ taken }}
),

{% endif -%}
touched as (
    select
        platform,
        deal_id
    from rewritten
    union
    -- a position's later part is measured against its opening
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join (select distinct platform, position_id from rewritten where position_id is not null) as positions
        on deals.platform = positions.platform and deals.position_id = positions.position_id
    where {{ entries }}
    union
    -- of two legs closed against each other the other one may count now
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join (select distinct platform, order_id from rewritten where entry = 'out_by') as orders
        on deals.platform = orders.platform and deals.order_id is not distinct from orders.order_id
    where deals.entry = 'out_by'
    union
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join changed_clients
        on
            deals.client_id = changed_clients.client_id
            and deals.executed_at >= changed_clients.valid_from
            and deals.executed_at < changed_clients.valid_to
    where
        changed_clients.symbol_key in ('', deals.symbol)
        and changed_clients.group_key in ('', deals.symbol_group)
        and changed_clients.type_key in ('', deals.account_type)
        and {{ entries }}
    {%- if _commission_loads(taken, 'fx_rates') %}
    union
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join changed_days
        on
            date_trunc('day', deals.executed_at) = changed_days.day_at
            and deals.executed_at >= changed_days.valid_from
            and deals.executed_at < changed_days.valid_to
    where deals.executed_at >= (select min(changed_days.valid_from) from changed_days) and {{ entries }}
    {%- endif %}
    {%- if _commission_loads(taken, 'symbols') %}
    union
    -- digits and pip of a symbol stand on no deal
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join symbols
        on
            deals.platform = symbols.platform
            and deals.symbol = symbols.symbol
            and deals.executed_at >= symbols.valid_from
            and deals.executed_at < coalesce(symbols.valid_to, {{ forever() }})
    where symbols._load_id > {{ taken }} and {{ entries }}
    {%- endif %}
    {%- if _commission_loads(taken, 'account_snapshots') and commission_weighs_credit() %}
    union
    select
        deals.platform,
        deals.deal_id
    from deals
    inner join {{ ref('stg_account_snapshots') }} as snapshots
        on deals.platform = snapshots.platform and deals.login = snapshots.login and deals.executed_at >= snapshots.captured_at
    where snapshots._load_id > {{ taken }} and {{ entries }}
    {%- endif %}
),

{{ reached_commission_deals(taken, entries) }}

candidates as (
    select deals.*, reached.is_context
    from deals
    inner join reached on deals.platform = reached.platform and deals.deal_id = reached.deal_id
),
{%- endmacro -%}

{#- Whether some plan pays on opening deals. -#}
{%- macro commission_pays_openings() -%}
    {%- if not execute -%} {{ return(false) }} {%- endif -%}
    {{ return(run_query("select count(*) from " ~ ref('int_commission_plans') ~ " where side <> 'close'").columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- Whether some plan weighs what a client holds of its own against the credit it was granted. -#}
{%- macro commission_weighs_credit() -%}
    {%- if not execute -%} {{ return(false) }} {%- endif -%}
    {{ return(run_query("select count(*) from " ~ ref('int_commission_plans') ~ " where is_credit_weighed").columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- Whether files of a feed came since the load `taken`. -#}
{%- macro _commission_loads(taken, feed) -%}
    {%- if not execute -%} {{ return(false) }} {%- endif -%}
    {{ return(run_query(
        "select count(*) from raw.loads where load_id > " ~ taken ~ " and load_id <= " ~ _control('horizon_load_id') ~ " and feed = '" ~ feed ~ "'"
    ).columns[0].values()[0] > 0) }}
{%- endmacro -%}
