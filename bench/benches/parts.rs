//! The hot inner parts of a token request, each alone.
#![expect(clippy::unwrap_used, reason = "a bench has nobody to report to")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiomeet_oauth::app::App;
use jiomeet_oauth::config::{Config, Issuer};
use jiomeet_oauth::ids::GrantId;
use jiomeet_oauth::oauth::grant::Generation;
use jiomeet_oauth::oauth::refresh_token::RefreshToken;
use jiomeet_oauth::random::Random;
use jiomeet_oauth::time::{Clock, Timestamp};
use protocol::basic_auth::parse_basic;
use protocol::jwt::{Algorithm, KeySet, SigningKey, TokenType};
use protocol::params::Params;
use protocol::redirect_uri::{ClientKind, match_registered};
use protocol::scope::ScopeSet;
use protocol::secret::Sha256Digest;
use protocol::token_request::TokenRequest;

/// As long as the claims of an access token.
const CLAIMS: &[u8] = br#"{"iss":"https://meet.example.com","sub":"0197a4c21b7e7d5f8a3c6e9b","aud":"https://meet.example.com","exp":1767693600,"iat":1767607200,"auth_time":1767607000,"jti":"dBjftJeZ4CVP-mB92K27uh","client_id":"7c1f4b0e9d2a4c6f8e3b5a7d","scope":"user:read meeting:create meeting:delete meeting:read meeting:update meeting:join","userId":"0197a4c21b7e7d5f8a3c6e9b","tokenId":"ot-0197a4c2-1b7e-7d5f-8a3c-6e9b0d1f2a3c.0","source":"oauthv2","clientId":"7c1f4b0e9d2a4c6f8e3b5a7d","oauthSource":"oauthv2"}"#;

const EXCHANGE: &[u8] = b"grant_type=authorization_code&code=jmac_dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\
    &redirect_uri=http%3A%2F%2Flocalhost%3A8081%2Fcallback";

const BASIC: &[u8] =
    b"Basic N2MxZjRiMGU5ZDJhNGM2ZjhlM2I1YTdkOmptY3NfZEJqZnRKZVo0Q1ZQLW1COTJLMjd1aGJVSlUxcDFyX3dXMWdGV0ZPRWpYaw==";

const SCOPES: &str = "user:read meeting:create meeting:delete meeting:read meeting:update meeting:join";

fn jws(criterion: &mut Criterion) {
    for &algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let name = algorithm.as_str();
        criterion.bench_function(&format!("JWS sign {name}"), |bench| {
            bench.iter(|| key.sign(TokenType::AccessToken, black_box(CLAIMS)).unwrap());
        });
        let token = key.sign(TokenType::AccessToken, CLAIMS).unwrap();
        let keys = KeySet::new([key.verifying_key().clone()]);
        criterion.bench_function(&format!("JWS verify {name}"), |bench| {
            bench.iter(|| keys.verify(black_box(&token), TokenType::AccessToken).unwrap());
        });
    }
}

fn refresh_tokens(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("keys.db").display());
    let config =
        Config::without_environment(&format!("database.url = {url:?}\nkeys.signing_algorithm = \"ES256\"\n")).unwrap();
    let issuer = Issuer::parse("http://127.0.0.1:8080").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::start(config, issuer, Clock::system(), Random::default())).unwrap();
    let key = app.keys.current();
    let grant = GrantId::mint(&app.random, Timestamp::from_millis(1_767_607_200_000));
    let token = RefreshToken::first(grant, &key, app.random.bytes());
    let text = token.text(&key);
    criterion.bench_function("refresh token: write, with its MAC", |bench| bench.iter(|| black_box(&token).text(&key)));
    criterion.bench_function("refresh token: read, with its MAC", |bench| {
        bench.iter(|| RefreshToken::parse(black_box(text.expose()), &app.keys).unwrap());
    });
    criterion.bench_function("refresh token: derive the next", |bench| {
        bench.iter(|| black_box(&token).successor(&key, Generation::FIRST));
    });
    criterion.bench_function("random: 32 bytes", |bench| bench.iter(|| app.random.bytes::<32>()));
    runtime.block_on(app.db.close());
}

fn requests(criterion: &mut Criterion) {
    criterion.bench_function("form of a token request", |bench| {
        bench.iter(|| {
            let params = Params::from_form(black_box(EXCHANGE)).unwrap();
            TokenRequest::read(&params).unwrap()
        });
    });
    criterion.bench_function("Basic header", |bench| bench.iter(|| parse_basic(black_box(BASIC)).unwrap().unwrap()));
    criterion.bench_function("scopes, six", |bench| bench.iter(|| ScopeSet::parse(black_box(SCOPES)).unwrap()));
    let registered: Vec<String> = (0..10).map(|number| format!("https://app.example/callback/{number}")).collect();
    criterion.bench_function("redirect URI, the last of ten", |bench| {
        bench.iter(|| match_registered(black_box(&registered[9]), &registered, ClientKind::Confidential));
    });
    criterion.bench_function("SHA-256 of a code", |bench| {
        bench.iter(|| Sha256Digest::of(black_box(b"jmac_dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    });
}

criterion_group! {
    name = parts;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(40);
    targets = jws, refresh_tokens, requests
}
criterion_main!(parts);
