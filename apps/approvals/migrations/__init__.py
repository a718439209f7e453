"""Alembic migrations of the operational store, run by `store.open_store` when the store is behind."""
