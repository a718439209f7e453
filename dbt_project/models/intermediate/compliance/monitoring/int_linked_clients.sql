-- Clients that share more than an address or a network, directly or over others: the clusters in which matched trading is looked for. Found as persons are.
with recursive {{ components('cluster_id', "attribute in ('instrument', 'device', 'document', 'name_birth', 'email', 'phone')") }}

select
    id as client_id,
    cluster_id
from components
