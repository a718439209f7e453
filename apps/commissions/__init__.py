"""Partner commissions put into words: one deal, one accrual, one deal that paid nothing."""
