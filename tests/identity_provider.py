"""Runs canaille, a real OpenID Connect provider, in memory: PORT CALLBACK,CALLBACK… USER…; each USER gets an address and a password.

Runs in the environment that tests/provide.py makes for it, not in ours.
"""

import datetime
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend


def main(port: int, callbacks: list[str], names: list[str]) -> None:
    """Serves until it is ended."""
    application = create_app({
        "SECRET_KEY": "only-of-this-test", "SERVER_NAME": f"127.0.0.1:{port}", "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "LOGGING": {"version": 1, "root": {"level": "WARNING"}}},
    })  # fmt: skip
    with application.app_context(), Backend.instance.session():
        for name in names:
            user = models.User(
                user_name=name, formatted_name=name, family_name=name, emails=[f"{name}@broker.example"], password=f"the-password-of-{name}",
            )  # fmt: skip
            Backend.instance.save(user)
        now = datetime.datetime.now(datetime.UTC)
        client = models.Client(
            client_id="daybook", client_secret="known-to-the-test", client_name="Daybook", client_uri="http://127.0.0.1",
            redirect_uris=callbacks, post_logout_redirect_uris=callbacks, grant_types=["authorization_code"], response_types=["code"],
            scope=["openid", "profile", "email"], token_endpoint_auth_method="client_secret_basic", client_id_issued_at=now,
        )  # fmt: skip
        client.audience = [client]
        Backend.instance.save(client)
    application.run(port=port, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:])
