use crate::error::ApiResult;
use crate::state::App;
use actix_web::{HttpResponse, web};
use nmc_core::{Error, Store};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the database may take to say that it is well.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long an answer counts.
const KEPT: Duration = Duration::from_secs(1);

/// How often a request looks for the answer that it waits for.
const LOOK: Duration = Duration::from_millis(5);

/// The last answer of the database to whether it is ready. Asked on a thread of its own, one at a time, however many want to
/// know: those of the requests may all be waiting for the very same database.
#[derive(Default, Clone)]
pub(super) struct Readiness(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    is_asking: bool,
    /// The instant at which the database answered, and why it is not ready.
    answer: Option<(Instant, Result<(), &'static str>)>,
}

impl Readiness {
    /// The answer of the database within the last second. Otherwise it is asked now, unless somebody has done so.
    fn latest(&self, store: &Store) -> Option<Result<(), &'static str>> {
        let mut asked = self.lock();
        if let Some((_, answer)) = asked.answer.filter(|(at, _)| at.elapsed() < KEPT) {
            return Some(answer);
        }
        if !asked.is_asking {
            let (readiness, store) = (self.clone(), store.clone());
            let thread = std::thread::Builder::new().name("nmc-ready".to_owned());
            asked.is_asking = thread.spawn(move || readiness.ask(&store)).is_ok();
        }
        None
    }

    fn ask(&self, store: &Store) {
        let answer = store.readiness(PATIENCE).map_err(|error| {
            tracing::warn!(error = error.causes(), "not ready");
            match error {
                Error::Unavailable { what, .. } => what,
                _ => "the database can't be used",
            }
        });
        let mut asked = self.lock();
        asked.answer = Some((Instant::now(), answer));
        asked.is_asking = false;
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process runs. Asks nobody.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// The process runs, and its database answers and takes writes. Says so within a second, whatever the database does.
pub(super) async fn ready(app: web::Data<App>, readiness: web::Data<Readiness>) -> ApiResult<HttpResponse> {
    let until = Instant::now() + 2 * PATIENCE - 2 * LOOK;
    let answer = loop {
        match readiness.latest(app.authenticator.store()) {
            Some(answer) => break answer,
            None if Instant::now() < until => actix_web::rt::time::sleep(LOOK).await,
            None => break Err("the database does not answer"),
        }
    };
    answer.map_err(Error::try_later)?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}
