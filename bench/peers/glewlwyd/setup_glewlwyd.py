"""Prepares a folder for glewlwyd (`prepare`), or sets up what runs there through its API (`set-up`)."""

import json
import os
import sqlite3
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

HOME = Path(os.environ["HOME_FOLDER"])
PORT = os.environ["PORT"]
ORIGIN = f"http://127.0.0.1:{PORT}"
SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
CLIENT = {
    "client_id": "bench-client",
    "client_secret": "bench-client-secret-of-forty-three-characters",
    "redirect_uri": "http://localhost:8081/callback",
}
PASSWORD = "asha-bench-password"


def prepare():
    """The tables as Debian's package makes them, in WAL mode: synchronous=FULL is SQLite's default."""
    database = HOME / "glewlwyd.db"
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCHEMA.read_text())
    connection.commit()
    connection.close()
    template = (Path(__file__).parent / "glewlwyd.conf").read_text()
    (HOME / "glewlwyd.conf").write_text(template.replace("@PORT@", PORT).replace("@DATABASE@", str(database)))


def call(method, path, body, cookie=""):
    request = Request(f"{ORIGIN}/api{path}", json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    request.add_header("Cookie", cookie)
    try:
        with urlopen(request) as answer:
            return answer.headers.get("Set-Cookie", "")
    except HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def sign_in(username, password):
    cookies = SimpleCookie(call("POST", "/auth/", {"username": username, "password": password}))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())


def make_key(algorithm):
    kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if algorithm == "RS256" else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    key = subprocess.run(["openssl", "genpkey", "-algorithm", *kind], check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=key, check=True, capture_output=True).stdout
    return key.decode(), public.decode()


def set_up():
    admin = sign_in("admin", "password")
    key, public = make_key(os.environ["ALGORITHM"])
    parameters = {
        "iss": ORIGIN,
        "jwt-type": "rsa" if os.environ["ALGORITHM"] == "RS256" else "ecdsa",
        "jwt-key-size": "256",
        "key": key,
        "cert": public,
        "code-duration": 300,
        "access-token-duration": 86400,
        "refresh-token-duration": 5184000,
        "refresh-token-one-use": "always",
        "allow-non-oidc": True,
        "auth-type-code-enabled": True,
        "auth-type-refresh-enabled": True,
        "pkce-allowed": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-allow-target-client": True,
    }
    plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "enabled": True, "parameters": parameters}
    call("POST", "/mod/plugin/", plugin, admin)
    scope = {"name": "profile", "display_name": "Who you are", "password_required": False, "scheme": {}}
    call("POST", "/scope/", scope, admin)
    user = {"username": "asha", "name": "Asha", "email": "asha@example.com", "password": PASSWORD, "scope": ["profile", "g_profile"], "enabled": True}
    call("POST", "/user/", user, admin)
    client = {
        "client_id": CLIENT["client_id"],
        "name": "Bench",
        "client_secret": CLIENT["client_secret"],
        "confidential": True,
        "redirect_uri": [CLIENT["redirect_uri"]],
        "authorization_type": ["code", "refresh_token"],
        "token_endpoint_auth_method": ["client_secret_basic"],
        "scope": [],
        "enabled": True,
    }
    call("POST", "/client/", client, admin)
    cookie = sign_in("asha", PASSWORD)
    call("PUT", f"/auth/grant/{CLIENT['client_id']}", {"scope": "profile"}, cookie)
    print(json.dumps({"issuer": ORIGIN, "client": CLIENT, "cookies": cookie}))


{"prepare": prepare, "set-up": set_up}[sys.argv[1]]()
