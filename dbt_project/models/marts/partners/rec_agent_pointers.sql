{{ config(meta={'owner': 'partners', 'sorted_by': ['client_id', 'login']}) }}

-- The platform's agent is a login: of the partner as a person. Both trees stay as they are; this says where they differ.
with accounts as (
    select
        platform,
        login,
        client_id,
        try_cast(json_extract_string(_extra, '$.agent') as bigint) as agent_login,
        changed_at
    from {{ ref('stg_trading_accounts') }}
    qualify row_number() over (partition by platform, login order by changed_at desc) = 1
),

persons as (
    select
        client_id,
        arg_max(partner_id, changed_at) as partner_id
    from {{ ref('stg_partners') }}
    where client_id is not null
    group by client_id
),

links as (
    select
        child_id as client_id,
        arg_max(struct_pack(parent := parent_partner_id), valid_from).parent as partner_id
    from {{ ref('stg_partner_links') }}
    where child_kind = 'client' and valid_from <= {{ known_at() }}
    group by child_id
),

compared as (
    select
        accounts.platform,
        accounts.login,
        accounts.client_id,
        accounts.agent_login,
        persons.partner_id as platform_partner_id,
        links.partner_id as crm_partner_id,
        case
            when agents.login is null then 'agent_unknown'
            when persons.partner_id is null then 'agent_is_no_partner'
            when links.partner_id is null then 'no_partner_in_crm'
            when links.partner_id <> persons.partner_id then 'other_partner_in_crm'
        end as difference,
        accounts.changed_at as since
    from accounts
    left join accounts as agents on accounts.platform = agents.platform and accounts.agent_login = agents.login
    left join persons on agents.client_id = persons.client_id
    left join links on accounts.client_id = links.client_id
    where accounts.agent_login is not null
)

select
    platform,
    login,
    client_id,
    agent_login,
    platform_partner_id,
    crm_partner_id,
    difference,
    since,
    {{ run_id() }} as _run_id
from compared
where difference is not null
