//! What coming in costs: checking a token, by itself and in the transaction of a request, and the database's part of a login
//! beside the hashing of its password. Pairs are measured in turns, so that the noise of the machine hits both.
//!
//! `taskset -c 0 cargo bench -p nmc-core --bench login [-- --rounds 21]`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

#[path = "repository/pairs.rs"]
mod pairs;

use hmac::{Hmac, KeyInit as _, Mac as _};
use nmc_core::access::{
    Authenticator, GuessOrigin, Hasher, KeyOrder, LoginPolicy, NewSession, Origin, Password, Permission, RefreshToken, TokenKeys,
    make_service_key,
};
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, Reason, StoreConfig};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::Registration;
use nmc_core::{Email, Secret, Store, Tenant, UserId};
use pairs::compare;
use sha2::Sha256;
use std::hint::black_box;

const PASSWORD: &str = "correct horse battery staple";

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-core --bench login");
        return;
    }
    let rounds = std::env::args().skip_while(|arg| arg != "--rounds").nth(1).map_or(21, |n| n.parse().expect("a number"));
    let scene = Scene::new();
    println!("{:<58} {:>9} {:>9}   theirs / ours, median (quartiles)", "ours / theirs", "ours", "theirs");

    let Scene { store, auth, keys, tenant, user, email, .. } = &scene;
    let tokens = auth.login(email, &Secret::new(PASSWORD), &Origin::default()).expect("a login");
    let (access, now) = (tokens.access_token, store.now());
    let mac = Hmac::<Sha256>::new(&[7; 64].into());
    compare(
        "checking a token / HMAC-SHA256 of as many bytes",
        rounds,
        5_000,
        || {
            black_box(keys.check(&access, now).expect("a good token"));
        },
        || drop(black_box(mac.clone().chain_update(access.expose()).finalize())),
    );

    let credential = auth.credential(&access).expect("a good token");
    let read = |tx: &mut nmc_core::TenantTx<'_>| tx.tenants().get();
    compare(
        "a read by a user's token / without asking who it is",
        rounds,
        200,
        || drop(store.acting(&credential, |tx| read(tx)).expect("a row")),
        || drop(store.tenant(tenant, |tx| read(tx)).expect("a row")),
    );
    let key = auth.credential(&scene.api_key).expect("a good key");
    compare(
        "a read by an API key / without asking who it is",
        rounds,
        200,
        || drop(store.acting(&key, |tx| read(tx)).expect("a row")),
        || drop(store.tenant(tenant, |tx| read(tx)).expect("a row")),
    );

    let hasher = Hasher::new(Hasher::COST, 1, 0).expect("a hasher");
    let hash = hasher.hash(&Password::new("password", &Secret::new(PASSWORD)).expect("a password")).expect("a hash");
    compare(
        "the database's part of a login / hashing at cost 10",
        rounds.min(11),
        10,
        || scene.login_without_hashing(*user),
        || assert!(hasher.verify(&Secret::new(PASSWORD), Some(&hash)).expect("a place")),
    );
    compare(
        "the database's part of a login / two empty transactions",
        rounds,
        50,
        || scene.login_without_hashing(*user),
        || (0..2).for_each(|_| store.tenant(tenant, |_| Ok(())).expect("a transaction")),
    );
}

struct Scene {
    store: Store,
    auth: Authenticator,
    keys: TokenKeys,
    tenant: Tenant,
    user: UserId,
    email: Email,
    api_key: Secret,
    password_hash: String,
    _server: EmbeddedPostgres,
}

impl Scene {
    /// 200 businesses with an owner each, on a server that waits for the disk.
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("nmc-bench-{}", std::process::id()));
        let options = EmbeddedOptions { data_dir: Some(directory), remove_on_exit: true, ..EmbeddedOptions::default() };
        let server = EmbeddedPostgres::start(&options).expect("a server");
        let url = Secret::new(server.url());
        Migrator::new(url.clone()).run(|_| {}).expect("the migrations");
        let mut config = StoreConfig::new(url);
        config.pool_size = 1;
        let store = Store::connect(config).expect("a store");
        let keys = TokenKeys::ephemeral(store.now()).expect("a key");
        let hasher = Hasher::new(4, 1, 0).expect("a hasher");
        let auth = Authenticator::new(store.clone(), hasher, keys.clone(), LoginPolicy::default());
        let register = |n: u32| {
            let email: Email = format!("owner{n}@example.com").parse().expect("an address");
            let new = Registration {
                business: NewTenant { business_name: format!("Business {n}"), ..NewTenant::default() },
                email,
                password: Secret::new(PASSWORD),
                first_name: "Ann".to_owned(),
                last_name: "Example".to_owned(),
                phone_number: None,
            };
            auth.register(&new, None).expect("a business")
        };
        (1..200).for_each(|n| drop(register(n)));
        let made = register(0);
        let order = KeyOrder { name: "a key".to_owned(), scopes: vec![Permission::TenantRead], expires_at: None };
        let (_, key) = store.as_operator(&made.tenant, |tx| make_service_key(tx, &order)).expect("a key");
        let hash = store.tenant(&made.tenant, |tx| {
            use nmc_core::diesel::prelude::*;
            use nmc_core::schema::users;
            tx.diesel(|conn, tenant| {
                users::table.filter(users::tenant_id.eq(tenant)).select(users::password_hash).first::<String>(conn)
            })
        });
        Self {
            auth,
            keys,
            tenant: made.tenant,
            user: made.owner.id,
            email: made.owner.email,
            api_key: key.text(),
            password_hash: hash.expect("a hash"),
            store,
            _server: server,
        }
    }

    /// All that `Authenticator::login` asks of the database, in its two transactions.
    fn login_without_hashing(&self, user: UserId) {
        let (policy, origin) = (LoginPolicy::default(), Origin::default());
        let claim = |tx: &mut nmc_core::store::SystemTx<'_>| {
            tx.claim_login_attempt(&self.email, GuessOrigin::Request(&origin), policy.attempts, policy.lock_for)
        };
        self.store.system(Reason::Authentication, claim).expect("an answer").expect("an account that is not locked");
        let token = RefreshToken::first().expect("randomness");
        let session = self.store.tenant(&self.tenant, |tx| {
            tx.logins().record(user, &self.password_hash, false)?;
            let (long_over, expires_at) = (tx.now() - policy.session_for, tx.now() + policy.session_for);
            tx.sessions().delete_expired_of_user(user, long_over)?;
            tx.sessions().create(&NewSession {
                user_id: user,
                token_family_hash: token.family_hash(),
                refresh_token_hash: token.hash(),
                expires_at,
                ip_address: None,
                user_agent: None,
                device_fingerprint: None,
            })
        });
        drop(session.expect("a session"));
    }
}
