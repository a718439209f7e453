"""Runs the receiver as a process: `python -m apps.webhooks.serve`; `daybook up` starts it where a provider has a secret."""

import uvicorn

from apps.webhooks.receiver import application
from warehouse.engine import make_home
from warehouse.settings import Settings


def main() -> None:
    """Serves until it is told to stop; requests under way are finished first."""
    settings = Settings()
    make_home(settings)
    uvicorn.run(
        application(settings),
        host=settings.bind_address,
        port=settings.webhook_port,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=15,
        limit_concurrency=4 * settings.webhook_at_once,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
