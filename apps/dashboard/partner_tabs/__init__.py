"""The parts of the Partners page that look at a partner's account: statements, payouts, finance review, what-if."""
