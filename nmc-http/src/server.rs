//! The server: bound, started on a thread of its own, stopped on request.

use crate::blocking::{self, Door};
use crate::client::Proxies;
use crate::limits::{Gate, Limits};
use crate::{App, headers, log, routes, signed_form};
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{HttpServer, web};
use ipnet::IpNet;
use nmc_core::identity::{Authenticator, RegistrationPolicy, Uploads};
use nmc_core::numbers::Provisioner;
use nmc_core::twilio::Signer;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// What the server needs to know.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where to listen, like `127.0.0.1:8080`. Port 0 takes a free one.
    pub bind: String,
    /// How Twilio reaches this server, like `https://nmc.example.com`; `None` is the address listened on. Signatures are
    /// checked against it.
    pub public_url: Option<String>,
    /// Checks signatures; without one every webhook is refused.
    pub signer: Option<Signer>,
    /// Threads that read and answer requests; statements run on others.
    pub threads: usize,
    /// How long a body may take to arrive.
    pub patience: Duration,
    /// Where profile photos are kept.
    pub uploads: Uploads,
    /// How often one may try to come in.
    pub limits: Limits,
    /// Proxies in front, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API from a browser, like `https://app.example.com`. None, unless named.
    pub cors_origins: Vec<String>,
    /// What becomes of businesses that register themselves.
    pub registration: RegistrationPolicy,
    /// Buys numbers and gives them back; without one the routes that need it answer 503.
    pub numbers: Option<Provisioner>,
}

/// What webhooks are checked with.
pub(crate) struct Webhooks {
    pub(crate) public_url: String,
    pub(crate) signer: Option<Signer>,
    pub(crate) patience: Duration,
}

/// A server at work.
pub struct RunningServer {
    address: SocketAddr,
    handle: ServerHandle,
    thread: JoinHandle<std::io::Result<()>>,
}

impl RunningServer {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets requests under way finish (five seconds at the most), and returns when all is quiet.
    ///
    /// # Errors
    /// What ended the server, if it was not this.
    pub fn stop(self) -> std::io::Result<()> {
        // Asking needs no runtime: the command is sent when the future is made, and the thread's end is the answer.
        drop(self.handle.stop(true));
        self.thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the server's thread panicked")))
    }
}

/// Starts the server on a thread of its own and returns as soon as it listens.
///
/// # Errors
/// When the address can't be had.
pub fn start(authenticator: Authenticator, config: ServerConfig) -> std::io::Result<RunningServer> {
    let listener = listen(&config.bind)?;
    let address = listener.local_addr()?;
    let public_url = config.public_url.unwrap_or_else(|| format!("http://{address}"));
    let webhooks = web::Data::new(Webhooks {
        public_url: public_url.trim_end_matches('/').to_owned(),
        signer: config.signer,
        patience: config.patience,
    });
    let door = Door::new(authenticator.store().clone());
    let app = web::Data::new(App {
        door: door.clone(),
        entrance: door.entrance(),
        uploading: door.uploading(),
        studio: door.studio(),
        counter: door.counter(),
        numbers: config.numbers,
        authenticator,
        registration: config.registration,
        gate: Gate::new(config.limits),
        proxies: Proxies::new(config.trusted_proxies),
        uploads: config.uploads,
        patience: config.patience,
    });
    let door = web::Data::new(door);
    let origins = config.cors_origins;
    let document = routes::v1::document();
    let threads = config.threads.max(1);
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("nmc-http".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                actix_web::App::new()
                    .app_data(webhooks.clone())
                    .app_data(door.clone())
                    .app_data(app.clone())
                    .app_data(web::PayloadConfig::new(signed_form::LONGEST))
                    .wrap(Condition::new(!origins.is_empty(), headers::cors(&origins)))
                    .wrap(from_fn(headers::secure))
                    .wrap(from_fn(log::requests))
                    .configure(|app| routes::configure(app, &document))
            })
            .workers(threads)
            .worker_max_blocking_threads(blocking::THREADS)
            .max_connections(1_024)
            .client_request_timeout(Duration::from_secs(5))
            .keep_alive(Duration::from_secs(75))
            .shutdown_timeout(5)
            .disable_signals()
            .listen(listener)?
            .run();
            sender.send(server.handle()).map_err(std::io::Error::other)?;
            server.await
        })
    })?;
    match receiver.recv() {
        Ok(handle) => Ok(RunningServer { address, handle, thread }),
        Err(_) => {
            Err(thread.join().ok().and_then(Result::err).unwrap_or_else(|| std::io::Error::other("the server did not start")))
        }
    }
}

fn listen(bind: &str) -> std::io::Result<TcpListener> {
    let explain = |error: std::io::Error| std::io::Error::new(error.kind(), format!("can't listen on {bind}: {error}"));
    let addresses: Vec<SocketAddr> = bind.to_socket_addrs().map_err(explain)?.collect();
    let listener = TcpListener::bind(addresses.as_slice()).map_err(explain)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
