"""Tables, a key, a person and an app; says which as one line of JSON."""

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Path(os.environ["KEY_FILE"]).write_bytes(
    key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
)

import django  # noqa: E402  the settings read the key

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402

call_command("migrate", verbosity=0)
user = get_user_model().objects.create_user("asha", "asha@example.com", "asha-bench-password")
secret = "bench-client-secret-of-forty-three-characters"
Application = get_application_model()
application = Application.objects.create(
    client_id="bench-client",
    client_secret=secret,
    # Hashed as it comes, each call would take a third of a second of CPU.
    hash_client_secret=False,
    client_type=Application.CLIENT_CONFIDENTIAL,
    authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
    redirect_uris="http://localhost:8081/callback",
    skip_authorization=True,
    algorithm=os.environ["ALGORITHM"],
    user=user,
)
client = {
    "client_id": application.client_id,
    "client_secret": secret,
    "redirect_uri": application.redirect_uris,
}
print(json.dumps({"issuer": os.environ["ORIGIN"], "client": client}))
