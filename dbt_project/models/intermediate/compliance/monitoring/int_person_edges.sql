-- What links two clients: for each shared value its first holder and every other one, so that a value of n clients makes n - 1 edges and not n squared.
-- Only an equal name with an equal birth date, or an equal document, says that they are one person. A member of staff whose record names a client,
-- or has a client's e-mail, is that client.
with attributes as (select * from {{ ref('int_client_attributes') }} where attribute <> 'surname_birth'),

holders as (
    select
        *,
        first_value(client_id) over (partition by attribute, value order by client_id) as first_client_id,
        first_value(row_key) over (partition by attribute, value order by client_id) as first_row_key
    from attributes
),

staff as (
    select
        staff_id,
        client_id,
        lower(trim(email)) as email,
        'staff:' || staff_id || ':' || strftime(changed_at, '%Y-%m-%dT%H:%M:%S.%f') as row_key,
        changed_at,
        recorded_at
    from {{ ref('stg_staff') }}
    qualify row_number() over (partition by staff_id order by changed_at desc) = 1
),

mailboxes as (
    select value as email, min(client_id) as client_id, arg_min(row_key, client_id) as row_key
    from attributes
    where attribute = 'email'
    group by value
),

edges as (
    select
        attribute,
        md5(value) as value_hash,
        first_client_id as from_id,
        client_id as to_id,
        attribute in ('name_birth', 'document') as is_same_person,
        first_seen_at as since,
        [first_row_key, row_key] as evidence,
        recorded_at
    from holders
    where client_id <> first_client_id
    union all
    select
        'staff_record', md5(client_id), client_id, 'staff:' || staff_id, true, changed_at, [row_key], recorded_at
    from staff
    where client_id is not null
    union all
    select
        'staff_email', md5(staff.email), mailboxes.client_id, 'staff:' || staff.staff_id, true, staff.changed_at, [mailboxes.row_key, staff.row_key], staff.recorded_at
    from staff
    inner join mailboxes on staff.email = mailboxes.email
    where staff.client_id is null
)

select * from edges
