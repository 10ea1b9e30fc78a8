// npm's openid-client runs the whole flow against a running server. It is told the issuer, a client id and a secret, and
// where it is reached; everything else it finds out.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, EMAIL, PASSWORD } = process.env;

// A person at a browser, as far as our pages need one: cookies, and forms that are sent as they stand.
class Browser {
  cookies = new Map();

  async send(url, fields) {
    const headers = { cookie: [...this.cookies].map((pair) => pair.join("=")).join("; ") };
    const body = fields && new URLSearchParams(fields);
    const answer = await fetch(new URL(url, ISSUER), { method: body ? "POST" : "GET", headers, body, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      this.cookies.set(name, value);
    }
    return answer;
  }

  // Opens an authorization URL, signs in, allows everything, and gives where the app is sent.
  async allow(url) {
    const page = await (await this.send(url)).text();
    const signedIn = await this.send("/sign-in", [...fields(page, "/sign-in"), ["email", EMAIL], ["password", PASSWORD]]);
    let answer = await this.send(signedIn.headers.get("location"));
    if (answer.status === 200) {
      const consent = [...fields(await answer.text(), "/oauth2/consent"), ["decision", "allow"]];
      answer = await this.send("/oauth2/consent", consent);
    }
    assert.equal(answer.status, 303);
    return new URL(answer.headers.get("location"));
  }
}

// What the form with this action sends: its hidden fields and ticked boxes.
function fields(page, action) {
  const start = page.indexOf(`action="${action}"`);
  assert.notEqual(start, -1, `no form for ${action} in ${page}`);
  const form = page.slice(start).split("</form>")[0];
  const value = (tag, name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1].replaceAll("&#38;", "&");
  return [...form.matchAll(/<input [^>]*>/g)]
    .map(([tag]) => tag)
    .filter((tag) => tag.includes('type="hidden"') || (tag.includes(" checked") && !tag.includes(" disabled")))
    .map((tag) => [value(tag, "name"), value(tag, "value")]);
}

// Discovery under both names, with nothing but the issuer.
for (const algorithm of ["oidc", "oauth2"]) {
  const options = { algorithm, [oauth.allowInsecureRequests]: true };
  const answer = await oauth.discoveryRequest(new URL(ISSUER), options);
  const found = await oauth.processDiscoveryResponse(new URL(ISSUER), answer);
  assert.equal(found.token_endpoint, `${ISSUER}/api/oauth2/v2/token`);
}

// The demo has no TLS.
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, {
  execute: [client.allowInsecureRequests],
});
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: "openid profile email user:read",
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  state: expectedState,
  nonce: expectedNonce,
  max_age: "3600",
});
const browser = new Browser();
const tokens = await client.authorizationCodeGrant(config, await browser.allow(url), {
  pkceCodeVerifier,
  expectedState,
  expectedNonce,
  maxAge: 3600,
  idTokenExpected: true,
});
const claims = tokens.claims();
assert.equal(claims.aud, CLIENT_ID);
const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
assert.deepEqual([person.email, person.email_verified], [EMAIL, true]);
const profile = await client.fetchProtectedResource(config, tokens.access_token, new URL("/api/user/profile", ISSUER), "GET");
assert.equal((await profile.json()).email, EMAIL);

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
assert.equal(refreshed.claims().sub, claims.sub);
const known = await client.tokenIntrospection(config, refreshed.access_token);
assert.equal(known.active, true);
await client.tokenRevocation(config, refreshed.refresh_token);
assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, false);

// Signing out: the ID token of the session proves that the app may.
const out = await browser.send(client.buildEndSessionUrl(config, { id_token_hint: refreshed.id_token }));
assert.equal(out.headers.get("location"), "/sign-in?done=signed-out");
console.log("openid-client: discovery, sign-in, ID token, userinfo, API, refresh, introspection, revocation, logout");
