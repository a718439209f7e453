"""Who may come in: identities, sign-in sessions and their limits, and the journal of who looked at what. Knows no page."""
