-- Up to when data reach: the latest event of the audit trail that our own loading and reading did not make.
select max(occurred_at) as reaches from compliance.fct_audit_events where stream not in ('load', 'access', 'outbox', 'policy')
