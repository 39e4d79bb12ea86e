//! One thread of the server: it takes connections in, and reads and answers their requests until the server stops.

use crate::blocking::{self, BlockingPool};
use crate::connections::{Connections, Refusal, Refusals, Stream, track};
use crate::routes::{self, Serves};
use crate::state::{App, Webhooks};
use crate::{headers, log, signed_form};
use actix_http::{HttpService, KeepAlive};
use actix_service::{IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::dev::AppConfig;
use actix_web::http::StatusCode;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{error::Error, web};
use std::cell::Cell;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

/// Between two looks for connections that have been idle too long.
const SWEEPS: Duration = Duration::from_millis(250);

/// How long requests under way may take once the server stops.
const AT_THE_END: Duration = Duration::from_secs(5);

/// The pause before the next connection is tried for when none could be had, for want of file descriptors for example.
const BREATH: Duration = Duration::from_millis(20);

/// Bytes of an answer that the system keeps before the client's has room for them. By itself it keeps up to 4 MB of a connection:
/// memory that nobody counts, in which a client that takes nothing is not seen to be slow.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// One address to listen at.
pub(crate) struct Place {
    pub(crate) listener: TcpListener,
    pub(crate) connections: Arc<Connections>,
    pub(crate) serves: Serves,
}

impl Place {
    /// The listener once more, for another thread.
    pub(crate) fn again(&self) -> std::io::Result<Self> {
        let (connections, serves) = (Arc::clone(&self.connections), self.serves);
        Ok(Self { listener: self.listener.try_clone()?, connections, serves })
    }
}

/// The state that the handlers of all threads share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) webhooks: web::Data<Webhooks>,
    pub(crate) pool: web::Data<BlockingPool>,
    pub(crate) app: web::Data<App>,
    pub(crate) origins: Vec<String>,
}

/// Runs one thread of the server, from its start to its end.
pub(crate) fn run(
    places: Vec<Place>,
    shared: &Shared,
    is_first: bool,
    stopping: watch::Receiver<bool>,
    started: &mpsc::Sender<()>,
) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(blocking::THREADS).build()?;
    let local = LocalSet::new();
    let result = runtime.block_on(local.run_until(serve(places, shared, is_first, stopping, started)));
    drop(local);
    // Whoever still waits for the database must not be waited for.
    runtime.shutdown_background();
    result
}

async fn serve(
    places: Vec<Place>,
    shared: &Shared,
    is_first: bool,
    mut stopping: watch::Receiver<bool>,
    started: &mpsc::Sender<()>,
) -> std::io::Result<()> {
    let open = Rc::new(Cell::new(0_usize));
    let (refusals, sending) = Refusals::new();
    spawn_local(sending);
    if is_first {
        spawn_local(check_streams(shared.clone()));
        let (looks, counts) = (shared.clone(), shared.clone());
        spawn_local(async move { looks.app.streams.keep_presence(&looks.app.pool).await });
        spawn_local(async move { counts.app.streams.measure().await });
    }
    let (mut accepting, mut all) = (Vec::new(), Vec::new());
    for Place { listener, connections, serves } in places {
        let service = service(serves, shared).await?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        all.push(Arc::clone(&connections));
        if is_first {
            let connections = Arc::clone(&connections);
            spawn_local(async move {
                loop {
                    sleep(SWEEPS).await;
                    connections.sweep();
                }
            });
        }
        let acceptor = Acceptor { connections, service, refusals: refusals.clone(), open: Rc::clone(&open) };
        accepting.push(spawn_local(acceptor.accept(listener, stopping.clone())));
    }
    if started.send(()).is_err() {
        return Ok(());
    }
    // A server that was dropped stops as well.
    drop(stopping.wait_for(|stops| *stops).await);
    let until = Instant::now() + AT_THE_END;
    for accept in accepting {
        drop(accept.await);
    }
    for connections in all {
        connections.drain();
    }
    while open.get() > 0 && Instant::now() < until {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Ends the streams of those who would not be let in any more, from time to time.
async fn check_streams(shared: Shared) {
    let every = shared.app.streams.limits.checked_every;
    loop {
        sleep(every).await;
        let streams = Arc::clone(&shared.app.streams);
        if let Err(error) = shared.app.pool.blocking(move |store| streams.check(store)).await {
            tracing::warn!(%error, "it can't be asked now who may still listen to events");
        }
    }
}

/// The service that answers the requests of a connection.
async fn service(
    serves: Serves,
    shared: &Shared,
) -> std::io::Result<impl Service<(Stream, Option<SocketAddr>), Future: 'static> + 'static> {
    let shared = shared.clone();
    let app = actix_web::App::new()
        .app_data(shared.webhooks)
        .app_data(shared.pool)
        .app_data(shared.app)
        .app_data(web::PayloadConfig::new(signed_form::LONGEST))
        .wrap(Condition::new(!shared.origins.is_empty(), headers::cors(&shared.origins)))
        .wrap(from_fn(headers::secure))
        .wrap(from_fn(log::requests))
        .wrap(from_fn(track))
        .configure(|app| routes::configure(app, serves));
    let app = app.into_factory().map_err(|error: Error| error.error_response());
    let http = HttpService::build()
        // Both are looked after by the connection's line, which knows how many there are.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(Duration::from_secs(1))
        .on_connect_ext(|stream: &Stream, data| {
            data.insert(Arc::clone(stream.line()));
        })
        .h1(map_config(app, |()| AppConfig::default()));
    http.new_service(()).await.map_err(|()| std::io::Error::other("the server did not start"))
}

/// The acceptor of the connections of one listener.
struct Acceptor<S> {
    connections: Arc<Connections>,
    service: S,
    refusals: Refusals,
    /// The connections of this thread.
    open: Rc<Cell<usize>>,
}

impl<S: Service<(Stream, Option<SocketAddr>), Future: 'static>> Acceptor<S> {
    /// Takes connections in until the server stops, those too that have waited till then.
    async fn accept(self, listener: tokio::net::TcpListener, mut stopping: watch::Receiver<bool>) {
        // More than these have not waited: they came after the end had begun.
        let mut waiting = 1_024_usize;
        while waiting > 0 {
            if *stopping.borrow() {
                waiting = waiting.saturating_sub(1);
            }
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                _ = stopping.wait_for(|stops| *stops) => return,
            };
            match accepted {
                Ok((tcp, from)) => self.take(tcp, from),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken in");
                    self.connections.make_room();
                    sleep(BREATH).await;
                }
            }
        }
    }

    fn take(&self, tcp: tokio::net::TcpStream, from: SocketAddr) {
        let Some(line) = self.connections.admit(from.ip()) else {
            self.refusals.send(Refusal { tcp, status: StatusCode::SERVICE_UNAVAILABLE, line: None });
            return;
        };
        // Only small answers gain by it; nothing is lost without.
        drop(tcp.set_nodelay(true));
        #[cfg(target_os = "linux")]
        drop(socket2::SockRef::from(&tcp).set_tcp_notsent_lowat(UNSENT));
        let connection = self.service.call((Stream::new(tcp, line, self.refusals.clone()), Some(from)));
        let open = Open::one(&self.open);
        spawn_local(async move {
            // What ends a connection is the client's, and told to nobody.
            drop(connection.await);
            drop(open);
        });
    }
}

/// A connection that counts as one of its thread's.
struct Open(Rc<Cell<usize>>);

impl Open {
    fn one(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(Rc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
