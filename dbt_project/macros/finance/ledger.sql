{#- The amounts an event may carry, which posting_rules name in `component`. -#}
{%- macro ledger_components() -%}
    {{ return(['amount', 'net_amount', 'to_amount', 'mid_amount', 'margin', 'fee', 'client_fee', 'difference', 'recovered', 'loss', 'profit', 'swap', 'commission']) }}
{%- endmacro -%}

{#- What an event says besides its amounts: when any of these or of the amounts differs, the standing entry is reversed and a new one made. -#}
{%- macro ledger_terms() -%}
    {{ return([
        'rule_id', 'client_id', 'entity', 'platform', 'login', 'psp', 'bank_account', 'counter_bank_account', 'partner_id', 'book',
        'account_code', 'currency', 'to_currency', 'fee_currency', 'occurred_at'
    ]) }}
{%- endmacro -%}

{#- Picks the event's amount that the posting rule of a line names. -#}
{%- macro component_of(entries, rules, components) -%}
    case {{ rules }}.component
        {% for component in components -%}
        when '{{ component }}' then {{ entries }}.{{ component }}
        {% endfor -%}
    end
{%- endmacro -%}

{#- An amount turned over at a quoted rate; a pair quoted the other way round is divided by, so that no digit is lost. -#}
{%- macro at_rate(amount, rate, is_inverse) -%}
    case
        when {{ is_inverse }} then {{ divide(amount, rate) }}
        else (({{ amount }})::decimal(38, 8) * ({{ rate }})::decimal(18, 8))::decimal(38, 8)
    end
{%- endmacro -%}

{#- Rounded half-even to a currency's minor unit (a column: 0, 2, 3 or 8 digits). -#}
{%- macro to_minor_unit(amount, digits) -%}
    case {{ digits }}
        {% for places in [0, 2, 3, 8] -%}
        when {{ places }} then {{ round_money(amount, places) }}
        {% endfor -%}
    end
{%- endmacro -%}

{#- Cut down to a currency's minor unit: what is paid is never more than what was earned. -#}
{%- macro cut_to_minor_unit(amount, digits) -%}
    case {{ digits }}
        {% for places in [0, 2, 3, 8] -%}
        when {{ places }} then {{ round_money(amount, places, 'down') }}
        {% endfor -%}
    end
{%- endmacro -%}

{#- A currency's smallest unit, from its digits (a column: 0, 2, 3 or 8). -#}
{%- macro minor_unit(digits) -%}
    case {{ digits }} when 0 then 1 when 2 then 0.01 when 3 then 0.001 when 8 then 0.00000001 end::decimal(9, 8)
{%- endmacro -%}

{#- Events (a CTE) with whose they are and their one rule: source_feed, event_kind and condition find it by equality. `reason` says why an event is
    not posted; events_without_posting are events that rightly post nothing and have none. -#}
{%- macro with_rule(events) -%}
    select
        {{ events }}.* exclude (reason, entity),
        {{ events }}.source_feed || ':' || {{ events }}.source_key || ':' || {{ events }}.event_kind as event_key,
        coalesce({{ events }}.entity, clients.entity, 'unassigned') as entity,
        rules.rule_id,
        rules.entry_type,
        case
            when without.event_kind is not null and {{ events }}.reason is null then 'nothing to post'
            when {{ events }}.reason in ('demo', 'test') then {{ events }}.reason
            when clients.is_test then 'test'
            when {{ events }}.reason is not null then {{ events }}.reason
            when {{ events }}.client_id is not null and clients.client_id is null and {{ events }}.entity is null then 'client_unknown'
            when rules.rule_id is null then 'no_rule'
        end as reason
    from {{ events }}
    left join {{ ref('int_ledger_clients') }} as clients
        on
            {{ events }}.client_id = clients.client_id
            and {{ events }}.occurred_at >= clients.valid_from
            and {{ events }}.occurred_at < clients.valid_to
    left join (
        select distinct rule_id, entry_type, source_feed, event_kind, condition from {{ ref('posting_rules') }}
    ) as rules
        on
            {{ events }}.source_feed = rules.source_feed
            and {{ events }}.event_kind = rules.event_kind
            and {{ events }}.condition = rules.condition
    left join {{ ref('events_without_posting') }} as without
        on
            {{ events }}.source_feed = without.source_feed
            and {{ events }}.event_kind = without.event_kind
            and {{ events }}.condition = without.condition
{%- endmacro -%}

{#- Whether any period was closed before the step under way: without one, the day an entry is booked on is the day it happened, and nothing is joined. -#}
{%- macro knows_closed_periods() -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {%- set found -%}
        select count(*) from raw.period_events as events cross join control.run as run
        where events.event = 'closed' and events.recorded_at < run.recorded_at
    {%- endset -%}
    {{ return(run_query(found).columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- The join to the closed days of an entry's entity, and the day it is booked on: its own, or the first open one. -#}
{%- macro join_closed_days(entries) -%}
    {%- if knows_closed_periods() -%}
    left join {{ ref('int_ledger_closed_days') }} as closed
        on {{ entries }}.entity = closed.entity and {{ entries }}.occurred_at::date = closed.day
    {%- endif -%}
{%- endmacro -%}

{%- macro booked_on(entries) -%}
    {%- if knows_closed_periods() -%} coalesce(closed.open_on, {{ entries }}.occurred_at::date)
    {%- else -%} {{ entries }}.occurred_at::date
    {%- endif -%}
{%- endmacro -%}
