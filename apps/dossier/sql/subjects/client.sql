-- The client as known now; names and contacts are masked as the role is entitled to.
select
    client_id, entity, client_type, category, first_name, last_name, company_name, birth_date, country_of_residence, email, phone,
    registered_at as requested_at, partner_id, kyc_status, risk_rating, lifecycle_stage, is_test
from core.dim_clients where client_id = $id
