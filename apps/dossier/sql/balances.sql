-- What the ledger held for the client at each point, on both clocks: wallet, withdrawal hold and trading accounts; positive is the client's.
{moments}

select
    moments.point, moments.clock, postings.account_code, accounts.name as account, postings.currency, postings.platform, postings.login,
    sum(-postings.amount)::decimal(38, 8) as balance
from finance.fct_postings as postings
inner join finance.dim_ledger_accounts as accounts on postings.account_code = accounts.account_code, moments
where
    postings.client_id = $client_id and accounts.is_client_money
    and postings.occurred_at <= moments.moment and postings.recorded_at <= moments.knowledge
group by all
having sum(postings.amount) <> 0
order by all
