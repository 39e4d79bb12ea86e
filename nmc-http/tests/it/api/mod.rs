//! The API as its clients meet it.

mod account_mails;
mod alerts;
mod analytics;
mod api_keys;
mod approval;
mod bodies;
mod browser_sessions;
mod calls;
mod conversations;
mod exports;
mod headers;
mod limits;
mod lists;
mod mass_assignment;
mod matrix;
mod measurements;
mod numbers;
mod openapi;
mod orders;
mod people;
mod photos;
mod registration;
mod reports;
mod scene;
mod sessions;
mod settings;
mod texts;

use crate::site::{Answer, Site};
use nmc_core::access::Origin;
use nmc_core::conversations::{MediaWorker, MediaWorkerConfig};
use nmc_core::numbers::HeldNumber;
use nmc_core::people::{NewPerson, change_user, invite};
use nmc_core::telephony::friendly_name;
use nmc_core::testing::Business;
use nmc_core::twilio::TwilioMedia;
use nmc_core::{Email, Secret, Uploads, UserId, UserRole};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Everybody's password here.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What somebody changes theirs to.
pub(crate) const OTHER_PASSWORD: &str = "another horse battery";
/// Nobody's.
pub(crate) const WRONG_PASSWORD: &str = "wrong horse battery staple";

/// Somebody with an account who is logged in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: Email,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A request on its way.
pub(crate) struct Call<'s> {
    site: &'s Site,
    method: &'static str,
    path: String,
    bearer: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Option<(String, Vec<u8>)>,
}

impl Site {
    /// A request to the API.
    pub(crate) fn call(&self, method: &'static str, path: impl Into<String>) -> Call<'_> {
        Call { site: self, method, path: path.into(), bearer: None, headers: Vec::new(), body: None }
    }

    /// A new user of a business, with a password, logged in.
    pub(crate) fn person(&self, business: &Business, role: UserRole) -> Person {
        let email: Email = format!("{}@example.com", Uuid::now_v7().simple()).parse().unwrap();
        let new = NewPerson {
            email: email.clone(),
            first_name: "Pat".to_owned(),
            last_name: "Doe".to_owned(),
            phone_number: None,
            timezone: None,
            role,
        };
        let (user, invitation) = self.db.store.as_operator(&business.tenant, |tx| invite(tx, &new)).unwrap();
        self.authenticator.accept_invitation(&invitation.text(), &Secret::new(PASSWORD)).unwrap();
        self.log_in(user.id, email)
    }

    pub(crate) fn log_in(&self, id: UserId, email: Email) -> Person {
        let tokens = self.authenticator.login(&email, &Secret::new(PASSWORD), &Origin::default()).unwrap();
        let text = |secret: &Secret| secret.expose().to_owned();
        Person { id, email, access: text(&tokens.access_token), refresh: text(&tokens.refresh_token) }
    }

    /// The owner of Joe's, logged in: whoever may do everything there.
    pub(crate) fn owner(&self) -> Person {
        self.person(&self.joe, UserRole::Owner)
    }

    /// The answer to a login over HTTP.
    pub(crate) fn try_to_log_in(&self, email: &str, password: &str) -> Answer {
        self.call("POST", "/v1/sessions").json(&json!({ "email": email, "password": password })).send()
    }

    /// One more number of a business, that it holds here and at the provider, as if it had been bought.
    pub(crate) fn held(&self, business: &Business) -> HeldNumber {
        let number = business.add_number(&self.db.store);
        let row = self.db.store.tenant(&business.tenant, |tx| tx.phone_numbers().find_by_number(&number)).unwrap().unwrap();
        self.twilio.own(&number, &friendly_name(row.id), row.twilio_phone_sid.clone());
        row
    }

    /// The pictures of texts that are to be fetched, as the worker would.
    pub(crate) fn fetch_pictures(&self) {
        let source = Arc::new(TwilioMedia::new(&self.twilio.account()));
        let uploads = Uploads::new(self.uploads());
        MediaWorker::new(self.db.store.clone(), source, uploads, MediaWorkerConfig::default()).pass().unwrap();
    }

    /// A change of a user by an operator.
    pub(crate) fn change_user(&self, business: &Business, user: UserId, patch: &nmc_core::people::UserPatch) {
        self.db.store.as_operator(&business.tenant, |tx| change_user(tx, user, patch)).unwrap();
    }
}

impl Person {
    /// Goes by another access token.
    pub(crate) fn with(&self, tokens: &Value) -> Self {
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), ..self.clone() }
    }
}

impl Call<'_> {
    pub(crate) fn by(mut self, bearer: &str) -> Self {
        self.bearer = Some(bearer.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    pub(crate) fn bytes(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some((media_type.to_owned(), body.into()));
        self
    }

    pub(crate) fn send(self) -> Answer {
        self.sent().checked_form()
    }

    /// The answer as it is: those to preflights, which only browsers read, are the framework's.
    pub(crate) fn sent(self) -> Answer {
        let url = format!("http://{}{}", self.site.address(), self.path);
        let mut request = ureq::http::Request::builder().method(self.method).uri(url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(bearer) = self.bearer {
            request = request.header("Authorization", format!("Bearer {bearer}"));
        }
        let body = match self.body {
            Some((media_type, body)) => {
                request = request.header("Content-Type", media_type);
                body
            }
            None => Vec::new(),
        };
        let mut answer = self.site.agent().run(request.body(body).unwrap()).expect("an answer");
        let headers =
            answer.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let body = answer.body_mut().read_to_vec().expect("a body");
        let status = answer.status().as_u16();
        Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.send();
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        answer
    }
}

impl Answer {
    /// The document it holds.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What kind of refusal it is, for a program.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.document()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The field it points at, and the rule.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (String, String) {
        let document = self.document();
        let text = |name: &str| document["errors"][0][name].as_str().unwrap_or_default().to_owned();
        (text("pointer"), text("detail"))
    }
}
