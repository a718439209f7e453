"""The same stores as the approvals are tested on."""

from tests.apps.approvals.conftest import ops_settings, postgresql_url, shared_postgresql

__all__ = ["ops_settings", "postgresql_url", "shared_postgresql"]
