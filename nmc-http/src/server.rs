//! The server: bound, started on a thread of its own, stopped on request.

use crate::blocking::BlockingPool;
use crate::client::Proxies;
use crate::connections::{ConnectionLimits, Connections};
use crate::limits::{Limits, RateLimits};
use crate::routes::Serves;
use crate::serving::{Place, Shared, run};
use crate::shares::{Places, Turns};
use crate::state::{App, Webhooks};
use crate::streams::{StreamLimits, Streams};
use actix_web::web;
use ipnet::IpNet;
use nmc_core::Uploads;
use nmc_core::access::Authenticator;
use nmc_core::delivery::WebhookRules;
use nmc_core::events::{ConnectionLog, Hub};
use nmc_core::numbers::Provisioner;
use nmc_core::tenants::RegistrationPolicy;
use nmc_core::twilio::Signer;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// The configuration of the server.
#[derive(Clone)]
pub struct ServerConfig {
    /// The address to listen at, like `127.0.0.1:8080`. Port 0 takes a free one.
    pub bind: String,
    /// The address to listen at for webhooks alone, with connections of their own; then nothing else answers them. `None`: with
    /// all the rest.
    pub webhook_bind: Option<String>,
    /// Bounds of the connections, of either listener.
    pub connections: ConnectionLimits,
    /// The address at which Twilio reaches this server, like `https://nmc.example.com`; `None` is the address that webhooks are
    /// listened for on. Signatures are checked against it.
    pub public_url: Option<String>,
    /// Checks signatures; without one every webhook is refused.
    pub signer: Option<Signer>,
    /// Threads that read and answer requests; statements run on others.
    pub threads: usize,
    /// How long a body may take to arrive, and a picture to have its turn.
    pub patience: Duration,
    /// How long a request waits for the database before it is answered 503, whatever the database does.
    pub answer_within: Duration,
    /// Large bodies that may be on their way at once.
    pub uploads_at_once: Uploading,
    /// Bounds of the streams of events.
    pub streams: StreamLimits,
    /// Whether it is recorded who has streams, and how many: the tables `websocket_events` and `connection_metrics`.
    pub record_connections: bool,
    /// Where profile photos are kept.
    pub uploads: Uploads,
    /// How often one may try to authenticate.
    pub limits: Limits,
    /// Proxies in front, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API from a browser, like `https://app.example.com`. None, unless named.
    pub cors_origins: Vec<String>,
    /// The policy for businesses that register themselves.
    pub registration: RegistrationPolicy,
    /// Whether a worker of the installation sends mails: then people are invited by mail, too.
    pub sends_mails: bool,
    /// Where webhooks may go, as the workers have it: a URL that may not be sent to becomes no contact. Without them any does.
    pub webhooks: Option<Arc<dyn WebhookRules>>,
    /// Buys numbers and gives them back; without one the routes that need it answer 503.
    pub numbers: Option<Provisioner>,
}

/// How many large bodies, such as photos, may be on their way at once.
#[derive(Debug, Clone, Copy)]
pub struct Uploading {
    /// Large bodies of all businesses.
    pub total: usize,
    /// Large bodies of one business.
    pub per_tenant: usize,
    /// Large bodies of one user, or one API key.
    pub per_user: usize,
}

impl Default for Uploading {
    fn default() -> Self {
        Self { total: 16, per_tenant: 4, per_user: 2 }
    }
}

/// Pictures of texts that are read at once. A browser fetches six at a time.
const DOWNLOADS: Uploading = Uploading { total: 16, per_tenant: 8, per_user: 6 };

/// Exports that are read at once.
const EXPORTS: Uploading = Uploading { total: 8, per_tenant: 2, per_user: 2 };

/// Pictures worked on at once: each may take some hundred megabytes.
const PICTURES: usize = 2;

/// A server that is at work.
pub struct RunningServer {
    address: SocketAddr,
    webhook_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<std::io::Result<()>>>,
}

impl RunningServer {
    /// The address at which the server listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which the server listens for webhooks, if that is a place of their own.
    #[must_use]
    pub const fn webhook_address(&self) -> Option<SocketAddr> {
        self.webhook_address
    }

    /// Stops listening, ends streams, closes what is idle, lets requests under way finish (five seconds at the most), and returns when all
    /// is quiet. Work that waits for the database beyond that is left to itself.
    ///
    /// # Errors
    /// What ended the server, if it was not this.
    pub fn stop(self) -> std::io::Result<()> {
        self.stop.send_replace(true);
        let ends = self
            .threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(std::io::Error::other("a thread of the server panicked"))));
        ends.fold(Ok(()), Result::and)
    }
}

/// Starts the server on threads of its own and returns as soon as it listens.
///
/// # Errors
/// When an address can't be had.
pub fn start(authenticator: Authenticator, config: ServerConfig) -> std::io::Result<RunningServer> {
    let has_own = config.webhook_bind.is_some();
    let main = place(&config.bind, if has_own { Serves::AllButWebhooks } else { Serves::All }, &config)?;
    let address = main.listener.local_addr()?;
    let webhooks = config.webhook_bind.as_deref().map(|bind| place(bind, Serves::Webhooks, &config)).transpose()?;
    let webhook_address = webhooks.as_ref().map(|place| place.listener.local_addr()).transpose()?;
    let public_url = config.public_url.unwrap_or_else(|| format!("http://{}", webhook_address.unwrap_or(address)));
    let data =
        Webhooks { public_url: public_url.trim_end_matches('/').to_owned(), signer: config.signer, patience: config.patience };
    let pool = BlockingPool::new(authenticator.store().clone(), config.answer_within);
    let (stop, stopping) = watch::channel(false);
    let hub = Hub::start(authenticator.store()).map_err(std::io::Error::other)?;
    let log = config.record_connections.then(|| ConnectionLog::start(authenticator.store())).transpose();
    let log = log.map_err(std::io::Error::other)?;
    let streams = Streams::new(hub, config.streams, log, stopping.clone()).map_err(std::io::Error::other)?;
    let app = App {
        pool: pool.clone(),
        login_pool: pool.for_logins(),
        uploading: Places::new(config.uploads_at_once.total, config.uploads_at_once.per_tenant, config.uploads_at_once.per_user),
        downloading: Places::new(DOWNLOADS.total, DOWNLOADS.per_tenant, DOWNLOADS.per_user),
        exporting: Places::new(EXPORTS.total, EXPORTS.per_tenant, EXPORTS.per_user),
        pictures: Turns::new(PICTURES, config.patience),
        provider_pool: pool.for_provider(),
        numbers: config.numbers,
        authenticator,
        registration: config.registration,
        sends_mails: config.sends_mails,
        webhooks: config.webhooks,
        rate_limits: RateLimits::new(config.limits),
        proxies: Proxies::new(config.trusted_proxies),
        uploads: config.uploads,
        origins: config.cors_origins.clone(),
        streams: Arc::new(streams),
        patience: config.patience,
    };
    let shared = Shared {
        webhooks: web::Data::new(data),
        pool: web::Data::new(pool),
        app: web::Data::new(app),
        origins: config.cors_origins,
    };
    let places: Vec<Place> = [Some(main), webhooks].into_iter().flatten().collect();
    let (started, starting) = mpsc::channel();
    let threads = (0..config.threads.max(1)).map(|n| {
        let places = places.iter().map(Place::again).collect::<std::io::Result<Vec<_>>>()?;
        let (shared, stopping, started) = (shared.clone(), stopping.clone(), started.clone());
        let run = move || run(places, &shared, n == 0, stopping, &started);
        std::thread::Builder::new().name(format!("nmc-http-{n}")).spawn(run)
    });
    let threads = threads.collect::<std::io::Result<Vec<_>>>()?;
    drop((places, started));
    let server = RunningServer { address, webhook_address, stop, threads };
    // Each says so when it listens; one that ends before has failed.
    if starting.iter().take(server.threads.len()).count() == server.threads.len() {
        Ok(server)
    } else {
        server.stop()?;
        Err(std::io::Error::other("the server did not start"))
    }
}

fn place(bind: &str, serves: Serves, config: &ServerConfig) -> std::io::Result<Place> {
    let connections = Arc::new(Connections::new(config.connections, config.trusted_proxies.clone()));
    Ok(Place { listener: listen(bind)?, connections, serves })
}

fn listen(bind: &str) -> std::io::Result<TcpListener> {
    let explain = |error: std::io::Error| std::io::Error::new(error.kind(), format!("can't listen on {bind}: {error}"));
    let addresses: Vec<SocketAddr> = bind.to_socket_addrs().map_err(explain)?.collect();
    let listener = TcpListener::bind(addresses.as_slice()).map_err(explain)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
