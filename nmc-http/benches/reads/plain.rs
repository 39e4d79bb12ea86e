//! The server that is written by hand.

use actix_web::web::{Data, Path, Query};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

/// As many as our server's pool has.
const CONNECTIONS: usize = 10;

const COLUMNS: &str = "c.id, c.customer_phone, c.status, c.subject, c.priority, c.channel, c.assigned_to, c.first_call_id, \
    c.last_call_id, c.total_calls, c.total_duration_seconds, c.customer_name, c.customer_email, c.customer_address, c.notes, c.tags, \
    c.review_requested_at, c.closed_at, c.created_at, c.updated_at, t.id, t.message_direction, t.message_kind, t.message_status, \
    t.message_body, t.created_at, n.total, u.unread, \
    w.caller_name, coalesce(c.customer_name, (SELECT o.customer_name FROM conversations o WHERE o.tenant_id = $1 \
    AND o.customer_phone = c.customer_phone AND c.customer_phone LIKE '+%' AND o.customer_name IS NOT NULL \
    ORDER BY o.created_at DESC, o.id DESC LIMIT 1), w.caller_name) AS known_as";

const TEXTS: &str = "LEFT JOIN LATERAL (SELECT m.id, m.message_direction, m.message_kind, m.message_status, m.message_body, \
    m.created_at FROM messages m WHERE m.tenant_id = $1 AND m.conversation_id = c.id ORDER BY m.created_at DESC, m.id DESC LIMIT 1) \
    AS t ON true CROSS JOIN LATERAL (SELECT count(*) AS total FROM (SELECT FROM messages m WHERE m.tenant_id = $1 \
    AND m.conversation_id = c.id LIMIT 1000) AS m) AS n CROSS JOIN LATERAL (SELECT count(*) AS unread FROM (\
    SELECT FROM conversation_events e WHERE e.tenant_id = $1 AND e.conversation_id = c.id AND c.status IN ('active', 'waiting') \
    AND (e.event_type = 'message_received' OR e.event_type = 'call_started' AND e.event_data ->> 'direction' = 'inbound') AND e.created_at > coalesce((SELECT r.read_at FROM conversation_reads r \
    WHERE r.tenant_id = $1 AND r.conversation_id = c.id AND r.user_id = $3), '-infinity') LIMIT 100) AS e) AS u CROSS JOIN LATERAL (\
    SELECT CASE WHEN c.customer_phone LIKE '+%' THEN (SELECT k.caller_name FROM calls k WHERE k.tenant_id = $1 \
    AND k.caller_phone = c.customer_phone AND k.caller_name IS NOT NULL ORDER BY coalesce(k.started_at, k.created_at) DESC LIMIT 1) \
    ELSE (SELECT k.caller_name FROM calls k WHERE k.tenant_id = $1 AND k.id = c.last_call_id) END AS caller_name OFFSET 0) AS w";

const WHO: &str = "SELECT u.role FROM user_sessions s JOIN users u ON u.id = s.user_id JOIN tenants t ON t.id = u.tenant_id \
    WHERE s.id = $1 AND s.is_active AND s.expires_at > now() AND u.is_active AND t.is_active";

struct Connection {
    client: Client,
    who: Statement,
    one: Statement,
    page: Statement,
    /// The same page, with our bound of the longest in its text: one plan does for all.
    page_planned_once: Statement,
}

struct State {
    connections: Vec<Connection>,
    next: AtomicUsize,
    /// Connections of the application's login, one for each transaction under way.
    of_transactions: Vec<Mutex<Connection>>,
    tenant: Uuid,
    session: Uuid,
    user: Uuid,
}

impl State {
    fn connection(&self) -> &Connection {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.connections.get(next % self.connections.len()).expect("a connection")
    }

    /// Runs `read` as we have to: in a transaction that has entered the tenant's role, one statement after another.
    async fn in_transaction(&self, read: impl AsyncFnOnce(&Connection) -> HttpResponse) -> HttpResponse {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = self.of_transactions.get(next % self.of_transactions.len()).expect("a connection").lock().await;
        let begin = format!("BEGIN; SELECT nmc_enter_tenant('{}')", self.tenant);
        connection.client.batch_execute(&begin).await.expect("a transaction");
        self.check(&connection).await;
        let answer = read(&connection).await;
        connection.client.batch_execute("COMMIT").await.expect("an end");
        answer
    }

    async fn check(&self, connection: &Connection) {
        let row = connection.client.query_opt(&connection.who, &[&self.session]).await.expect("a session");
        assert!(row.is_some_and(|row| row.get::<_, &str>(0) == "owner"), "the owner may read");
    }
}

#[derive(Serialize)]
struct LastText<'a> {
    id: Uuid,
    direction: &'a str,
    kind: &'a str,
    status: &'a str,
    body: &'a str,
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Conversation<'a> {
    id: Uuid,
    customer_phone: &'a str,
    status: &'a str,
    subject: Option<&'a str>,
    priority: &'a str,
    channel: &'a str,
    assigned_to: Option<Uuid>,
    first_call_id: Option<Uuid>,
    last_call_id: Option<Uuid>,
    total_calls: i32,
    total_duration_seconds: i32,
    customer_name: Option<&'a str>,
    customer_email: Option<&'a str>,
    customer_address: Option<&'a str>,
    notes: Option<&'a str>,
    tags: Vec<&'a str>,
    review_requested_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_text: Option<LastText<'a>>,
    total_messages: i64,
    unread: i64,
    caller_name: Option<&'a str>,
    known_as: Option<&'a str>,
}

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Conversation<'a>>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Limit {
    limit: i64,
}

fn conversation(row: &Row) -> Conversation<'_> {
    Conversation {
        id: row.get(0),
        customer_phone: row.get(1),
        status: row.get(2),
        subject: row.get(3),
        priority: row.get(4),
        channel: row.get(5),
        assigned_to: row.get(6),
        first_call_id: row.get(7),
        last_call_id: row.get(8),
        total_calls: row.get(9),
        total_duration_seconds: row.get(10),
        customer_name: row.get(11),
        customer_email: row.get(12),
        customer_address: row.get(13),
        notes: row.get(14),
        tags: row.get(15),
        review_requested_at: row.get(16),
        closed_at: row.get(17),
        created_at: row.get(18),
        updated_at: row.get(19),
        last_text: row.get::<_, Option<Uuid>>(20).map(|id| LastText {
            id,
            direction: row.get(21),
            kind: row.get(22),
            status: row.get(23),
            body: row.get(24),
            created_at: row.get(25),
        }),
        total_messages: row.get(26),
        unread: row.get(27),
        caller_name: row.get(28),
        known_as: row.get(29),
    }
}

async fn one(state: &State, connection: &Connection, id: Uuid) -> HttpResponse {
    match connection.client.query_opt(&connection.one, &[&state.tenant, &id, &state.user]).await.expect("an answer") {
        Some(row) => HttpResponse::Ok().json(conversation(&row)),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn page(state: &State, connection: &Connection, statement: &Statement, limit: i64) -> HttpResponse {
    let rows = connection.client.query(statement, &[&state.tenant, &(limit + 1), &state.user]).await.expect("an answer");
    let more = rows.len() > usize::try_from(limit).expect("few");
    let items: Vec<_> = rows.iter().take(usize::try_from(limit).expect("few")).map(conversation).collect();
    let next = items.last().filter(|_| more).map(|last| format!("{}~{}", last.created_at.timestamp_micros(), last.id));
    HttpResponse::Ok().json(Page { items, next })
}

#[actix_web::get("/anybody/{id}")]
async fn anybody_one(state: Data<State>, id: Path<Uuid>) -> impl Responder {
    one(&state, state.connection(), *id).await
}

#[actix_web::get("/anybody")]
async fn anybody_page(state: Data<State>, query: Query<Limit>) -> impl Responder {
    let connection = state.connection();
    page(&state, connection, &connection.page, query.limit).await
}

#[actix_web::get("/planned-once")]
async fn planned_once(state: Data<State>, query: Query<Limit>) -> impl Responder {
    let connection = state.connection();
    page(&state, connection, &connection.page_planned_once, query.limit).await
}

#[actix_web::get("/checked/{id}")]
async fn checked_one(state: Data<State>, id: Path<Uuid>) -> impl Responder {
    let connection = state.connection();
    state.check(connection).await;
    one(&state, connection, *id).await
}

#[actix_web::get("/checked")]
async fn checked_page(state: Data<State>, query: Query<Limit>) -> impl Responder {
    let connection = state.connection();
    state.check(connection).await;
    page(&state, connection, &connection.page, query.limit).await
}

#[actix_web::get("/tenant/{id}")]
async fn tenant_one(state: Data<State>, id: Path<Uuid>) -> impl Responder {
    state.in_transaction(async |connection| one(&state, connection, *id).await).await
}

#[actix_web::get("/tenant")]
async fn tenant_page(state: Data<State>, query: Query<Limit>) -> impl Responder {
    state.in_transaction(async |connection| page(&state, connection, &connection.page_planned_once, query.limit).await).await
}

async fn connect(url: &str, first: &str) -> Connection {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    // It ends with the server, at the end of the benchmark.
    actix_web::rt::spawn(async move { drop(connection.await) });
    client.batch_execute(first).await.expect("a role");
    let prepare = async |sql: String| client.prepare(&sql).await.expect("a statement");
    let who = prepare(WHO.to_owned()).await;
    let one = prepare(format!("SELECT {COLUMNS} FROM conversations c {TEXTS} WHERE c.tenant_id = $1 AND c.id = $2")).await;
    let rows = "SELECT * FROM conversations c WHERE c.tenant_id = $1 ORDER BY c.created_at DESC, c.id DESC LIMIT";
    let of = |rows: String| prepare(format!("SELECT {COLUMNS} FROM ({rows}) AS c {TEXTS} ORDER BY c.created_at DESC, c.id DESC"));
    let page = of(format!("{rows} $2")).await;
    let page_planned_once = of(format!("SELECT p.* FROM ({rows} 201) AS p ORDER BY p.created_at DESC, p.id DESC LIMIT $2")).await;
    client.batch_execute("RESET ROLE").await.expect("the login");
    Connection { client, who, one, page, page_planned_once }
}

/// Starts it in a thread of its own, for as long as this process lives; returns where it answers.
pub(crate) fn start(superuser_url: &str, url: &str, tenant: Uuid, session: Uuid) -> SocketAddr {
    let (tell, told) = mpsc::channel();
    let (superuser_url, url) = (superuser_url.to_owned(), url.to_owned());
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let (mut connections, mut of_transactions) = (Vec::new(), Vec::new());
            for _ in 0..CONNECTIONS {
                connections.push(connect(&superuser_url, "").await);
                // Statements are planned for the role that they are run as; the login itself has no rights.
                of_transactions.push(Mutex::new(connect(&url, "SET ROLE nmc_system").await));
            }
            let first = connections.first().expect("a connection");
            let user = first.client.query_one("SELECT user_id FROM user_sessions WHERE id = $1", &[&session]).await;
            let user = user.expect("the session").get(0);
            let state = Data::new(State { connections, next: AtomicUsize::new(0), of_transactions, tenant, session, user });
            let app = move || {
                App::new()
                    .app_data(state.clone())
                    .service(anybody_one)
                    .service(anybody_page)
                    .service(planned_once)
                    .service(checked_one)
                    .service(checked_page)
                    .service(tenant_one)
                    .service(tenant_page)
            };
            let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", 0)).expect("a port");
            tell.send(*server.addrs().first().expect("an address")).expect("somebody waits");
            server.run().await.expect("it runs");
        });
    });
    told.recv().expect("an address")
}
