//! A database with a thousand businesses, of which one has a tenth of all calls.

use crate::fill;
use crate::filters::Asked;
use chrono::{DateTime, Utc};
use nmc_core::store::embedded::EmbeddedPostgres;
use nmc_core::store::{Migrator, Reason};
use nmc_core::testing::{Business, TestDb, query};
use nmc_core::{CallId, ConversationId, Secret, Store, StoreConfig};
use std::time::Instant;

const BUSINESSES: usize = 1_000;

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) superuser_url: String,
    /// The one with a tenth of all calls, and the others.
    pub(crate) businesses: Vec<Business>,
    /// What is asked for in the first business.
    pub(crate) asked: Asked,
    /// Some of its conversations, and the instants of them.
    pub(crate) conversations: Vec<(ConversationId, DateTime<Utc>)>,
    /// Some words of its texts, a common one as often as it is said.
    pub(crate) words: Vec<String>,
}

impl Site {
    pub(crate) fn new(server: &EmbeddedPostgres, name: &'static str, calls: u64) -> Self {
        let begun = Instant::now();
        let superuser_url = server.superuser_url(name);
        let is_there = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
        let is_there = query::<i64>(&mut TestDb::connect(&server.superuser_url("postgres")), &is_there) == [1];
        if !is_there {
            TestDb::execute_at(&server.superuser_url("postgres"), &format!("CREATE DATABASE {name} OWNER nmc"));
        }
        let url = Secret::new(server.url_for(name));
        Migrator::new(url.clone()).run(|_| {}).expect("the migrations");
        let mut config = StoreConfig::new(url);
        config.pool_size = 1;
        let store = Store::connect(config).expect("a store");
        let businesses = if is_there { found(&store, &superuser_url) } else { made(&store) };
        let first = businesses.first().expect("a business");
        let asked = Asked {
            user: first.user(&store),
            number: first.number.clone(),
            conversation: ConversationId::new(uuid::Uuid::nil()),
            customer: "anonymous".parse().expect("a customer"),
            call: CallId::new(uuid::Uuid::nil()),
            name: String::new(),
            at: store.now() - chrono::TimeDelta::days(180),
        };
        let mut site = Self { store, superuser_url, businesses, asked, conversations: Vec::new(), words: Vec::new() };
        if !is_there {
            site.fill(calls);
        }
        site.look();
        let size: Vec<String> =
            query(&mut TestDb::connect(&site.superuser_url), "SELECT pg_size_pretty(pg_database_size(current_database()))");
        println!("{name}: {calls} calls in {:.0} s, {}", begun.elapsed().as_secs_f64(), size.join(""));
        site
    }

    fn fill(&self, calls: u64) {
        let rows = self.businesses.iter().enumerate().map(|(n, business)| {
            let staff = business.user(&self.store);
            format!("({n}, '{}', '{}', '{staff}')", business.tenant.id(), business.number)
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        let tables =
            "CREATE SCHEMA scale; CREATE TABLE scale.businesses (n int PRIMARY KEY, id uuid UNIQUE, number text, staff uuid)";
        TestDb::execute_at(&self.superuser_url, &format!("{tables}; INSERT INTO scale.businesses VALUES {rows}"));
        fill::fill(self, calls);
    }

    /// Finds things to ask for.
    fn look(&mut self) {
        let mut conn = TestDb::connect(&self.superuser_url);
        let mut ask = |sql: &str| -> Vec<String> { query(&mut conn, sql) };
        let of_first = "tenant_id = (SELECT id FROM scale.businesses WHERE n = 0)";
        let some = ask(&format!(
            "SELECT id || ' ' || created_at || '|' || customer_phone FROM conversations WHERE {of_first} ORDER BY md5(id::text) LIMIT 1000"
        ));
        for row in &some {
            let (id, rest) = row.split_once(' ').expect("an id");
            let (at, customer) = rest.split_once('|').expect("an instant");
            let at = DateTime::parse_from_str(at, "%Y-%m-%d %H:%M:%S%.f%#z").expect("an instant").to_utc();
            self.conversations.push((id.parse().expect("an id"), at));
            (self.asked.conversation, self.asked.customer) = (id.parse().expect("an id"), customer.parse().expect("a customer"));
        }
        self.asked.user = ask("SELECT staff::text FROM scale.businesses WHERE n = 0").concat().parse().expect("a user");
        let call = format!("SELECT id::text FROM calls WHERE conversation_id = '{}' LIMIT 1", self.asked.conversation.uuid());
        self.asked.call = ask(&call).concat().parse().expect("a call");
        let name = "SELECT split_part(customer_name, ' ', 1) FROM conversations WHERE";
        self.asked.name =
            ask(&format!("{name} {of_first} AND customer_name IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")).concat();
        self.words = ask("SELECT word FROM scale.sentences, unnest(words) AS word ORDER BY md5(n::text || word) LIMIT 1000");
    }
}

fn made(store: &Store) -> Vec<Business> {
    (0..BUSINESSES).map(|n| Business::onboard(store, &format!("Business {n}"))).collect()
}

/// Those that a run before has made.
fn found(store: &Store, superuser_url: &str) -> Vec<Business> {
    let rows: Vec<String> =
        query(&mut TestDb::connect(superuser_url), "SELECT id || ' ' || number FROM scale.businesses ORDER BY n");
    let business = |row: &String| {
        let (id, number) = row.split_once(' ').expect("a number");
        let id = id.parse().expect("an id");
        let tenant = store.system(Reason::Operations, |tx| tx.act_for(id)).expect("a business");
        let row = store.tenant(&tenant, |tx| tx.tenants().get()).expect("its row");
        Business { tenant, row, number: number.parse().expect("a number") }
    };
    rows.iter().map(business).collect()
}
