"""The one approval machinery: operational store, hash chain, policies, checks, decisions, outbox. Nothing here knows a page."""
