// oidc-provider as a peer of the benchmarks. What it is told comes by the environment, what it says is one line of JSON.
import cluster from 'node:cluster';
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { openAdapter } from './adapter.mjs';

const { DATABASE_URL, ALGORITHM, FORMAT, PORT, WORKERS, SHARED_COMMITS } = process.env;
const sharesCommits = SHARED_COMMITS === 'yes';
const issuer = `http://127.0.0.1:${PORT}`;
const client = {
  client_id: 'bench-client',
  client_secret: 'bench-client-secret-of-forty-three-characters',
  redirect_uri: 'http://localhost:8081/callback',
};
const RESOURCE = 'https://api.example.com';

function makeKeys() {
  const kind = ALGORITHM === 'RS256' ? ['rsa', { modulusLength: 2048 }] : ['ec', { namedCurve: 'P-256' }];
  const key = generateKeyPairSync(...kind).privateKey.export({ format: 'jwk' });
  return { keys: [{ ...key, alg: ALGORITHM, use: 'sig', kid: 'bench' }] };
}

async function serve(listening) {
  // A pool of ten is pg's default; workers share what PostgreSQL allows.
  const adapter = await openAdapter(DATABASE_URL, { connections: 10, sharesCommits });
  const provider = new Provider(issuer, {
    adapter,
    jwks: JSON.parse(process.env.JWKS),
    cookies: { keys: ['a key for cookies that the benchmark made up'] },
    clients: [
      {
        client_id: client.client_id,
        client_secret: client.client_secret,
        redirect_uris: [client.redirect_uri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: ALGORITHM,
      },
    ],
    findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, email: `${id}@example.com` }) }),
    claims: { openid: ['sub'], email: ['email'] },
    scopes: ['openid', 'email', 'meeting:read'],
    features: {
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // `jwt`: every access token is for one API, signed; else opaque ones, as it comes, beside a signed ID token.
        defaultResource: () => (FORMAT === 'jwt' ? RESOURCE : undefined),
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'meeting:read',
          audience: RESOURCE,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: ALGORITHM } },
        }),
      },
    },
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: { AuthorizationCode: 300, AccessToken: 86400, IdToken: 3600, RefreshToken: 5184000 },
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.listen(Number(PORT), '127.0.0.1', listening);
}

const say = () => console.log(JSON.stringify({ issuer, client }));

process.env.JWKS ??= JSON.stringify(makeKeys());
if (WORKERS === '1') {
  await serve(say);
} else if (cluster.isPrimary) {
  // The tables, before workers race for them.
  await openAdapter(DATABASE_URL, { connections: 1, sharesCommits });
  let ready = 0;
  for (let worker = 0; worker < Number(WORKERS); worker += 1) {
    cluster.fork().on('message', () => (ready += 1) === Number(WORKERS) && say());
  }
  cluster.on('exit', () => process.exit(1));
} else {
  await serve(() => process.send('listening'));
}
