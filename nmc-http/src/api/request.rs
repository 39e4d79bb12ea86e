//! The context of a request as its handler gets it: who sends it, checked; path, query and body, parsed.

pub(crate) use super::body::{Body, JsonBody, LongJsonBody, RawBody};
use super::body::{LONGEST_JSON, NoFields};
use super::kinds::DAY;
use super::serde_words::{self, Said};
use super::{Access, json, kinds};
use crate::connections::Line;
use crate::error::{ApiError, ApiResult, FieldProblem, Unreadable};
use crate::shares::{Place, caller};
use crate::state::App;
use crate::streams::Source;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, IF_MATCH, IF_NONE_MATCH, USER_AGENT};
use actix_web::{HttpRequest, web};
use chrono::NaiveDate;
use nmc_core::access::{Acting, Credential, Origin};
use nmc_core::numbers::Provisioner;
use nmc_core::{Error, PhoneNumber, Result, Secret, Store, TenantTx, UserId, Version};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use utoipa::IntoParams;

/// The longest If-Match: some thirty versions.
pub(super) const LONGEST_IF_MATCH: usize = 1_000;

/// No query.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

/// The refusal to an API key that says `me`: whoever does is to be a user.
pub(crate) const KEY_IS_NO_USER: Error = Error::Forbidden("an API key is no user; name one");

/// The user that a path names: one by id, or who sends the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whom {
    Me,
    User(UserId),
}

impl Whom {
    /// The user's id.
    pub(crate) fn id(self, tx: &TenantTx<'_>) -> Result<UserId> {
        match self {
            Self::User(id) => Ok(id),
            Self::Me => tx.actor().user().ok_or(KEY_IS_NO_USER),
        }
    }
}

/// The context of a request: who sends it, its query and its body, and what all handlers share.
pub(crate) struct RequestContext<Q, B> {
    pub(crate) app: web::Data<App>,
    access: Access,
    credential: Option<Credential>,
    request: HttpRequest,
    pub(crate) query: Q,
    pub(crate) body: B,
    /// The room that a large body takes, until it is done with.
    _room: Option<Place>,
}

impl<Q: DeserializeOwned + IntoParams, B: Body> RequestContext<Q, B> {
    /// Reads a request. Who sends it is found out before what they want: a large body, before any of it takes room here.
    pub(super) async fn read(access: Access, request: HttpRequest, payload: web::Payload) -> ApiResult<Self> {
        let app = request.app_data::<web::Data<App>>().cloned().ok_or(ApiError::NoRoute)?;
        let credential = match access {
            Access::Public => None,
            _ => Some(app.authenticator.credential(&bearer(&request)?)?),
        };
        if let (Access::Anyone, Some(key @ Credential::Key { .. })) = (access, credential.clone()) {
            // Whatever it wants, it is refused; that it is no key of ours is told first.
            app.pool.blocking(move |store| store.acting(&key, |_| Ok(()))).await?;
            return Err(Error::Forbidden("an API key is no user, and this is for users alone").into());
        }
        let query = parse_query(request.query_string())?;
        let room = match &credential {
            Some(credential) if B::LONGEST > LONGEST_JSON => {
                let credential = credential.clone();
                let found =
                    app.pool.blocking(move |store| store.acting(&credential, |tx| Ok((tx.tenant().id(), caller(tx))))).await;
                let (tenant, caller) = found?;
                Some(app.uploading.take(tenant, caller)?)
            }
            _ => None,
        };
        let is_post = request.method() == Method::POST;
        let takes_body = B::MEDIA_TYPE.is_some();
        let body = if takes_body || is_post || request.method() == Method::PUT {
            let longest = if takes_body { B::LONGEST } else { LONGEST_JSON };
            let too_large = || {
                let no_fields = "must be an object without fields, or not be there";
                if takes_body { ApiError::TooLarge(longest) } else { ApiError::Body(FieldProblem::whole(no_fields)) }
            };
            let declared = header(&request, "Content-Length").and_then(|text| text.parse::<usize>().ok());
            if declared.is_some_and(|length| length > longest) {
                return Err(too_large());
            }
            let bytes = actix_web::rt::time::timeout(app.patience, payload.to_bytes_limited(longest)).await;
            let bytes = bytes.map_err(|_| ApiError::Incomplete)?.map_err(|_| too_large())?;
            // It ended early, or its framing is wrong: the framework does not say which.
            let bytes = bytes.map_err(|_| ApiError::Unreadable(Unreadable::Malformed))?;
            // Without a token a body must be JSON, and there: it is what no page of another site can send.
            match B::missing().filter(|_| is_post && bytes.is_empty() && access != Access::Public) {
                Some(missing) => missing?,
                None => {
                    if !takes_body && !bytes.is_empty() {
                        // Whoever sends fields that nobody reads means another route.
                        let NoFields {} = json::parse(&bytes)?;
                    }
                    B::read(header(&request, CONTENT_TYPE.as_str()).unwrap_or_default(), bytes)?
                }
            }
        } else {
            B::read("", web::Bytes::new())?
        };
        Ok(Self { app, access, credential, request, query, body, _room: room })
    }
}

impl<Q, B> RequestContext<Q, B> {
    /// Runs `work` as whoever asks, in one transaction of their business, if they have the permission of the route.
    pub(crate) async fn acting<T: Send + 'static>(
        &self,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let access = self.access;
        let credential = self.credential()?;
        self.app
            .pool
            .blocking(move |store| {
                store.acting(&credential, |tx| {
                    if let Access::Needs(permission) = access {
                        tx.must(permission)?;
                    }
                    work(tx)
                })
            })
            .await
    }

    /// Runs `work` as whoever asks, in one transaction that writes nothing and reads one state, if they have the permission of the route.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let access = self.access;
        self.in_steps(move |store, who| {
            who.reading(store, |tx| {
                if let Access::Needs(permission) = access {
                    tx.must(permission)?;
                }
                work(tx)
            })
        })
        .await
    }

    /// Runs `work`, which takes several transactions. What whoever asks may is checked by the library, in each of them.
    pub(crate) async fn in_steps<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store, &Acting) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let who = self.who()?;
        self.app.pool.blocking(move |store| work(store, &who)).await
    }

    /// Runs `work` with the provider of numbers, in a pool apart from those who wait for the database alone. What they may is checked by
    /// the library, in each of the transactions between which the provider is asked.
    pub(crate) async fn with_provider<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Provisioner, &Acting) -> Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let Some(numbers) = self.app.numbers.clone() else {
            // How the platform is set up is told to those alone who would be served.
            self.acting(|_| Ok(())).await?;
            return Err(ApiError::NoProvider);
        };
        let who = self.who()?;
        let done = self.app.provider_pool.blocking(move |_| work(&numbers, &who)).await;
        if let Err(ApiError::Core(Error::Provider(reason))) = &done
            && reason.is_for_operators()
        {
            tracing::error!(%reason, "no business gets numbers until somebody sees to this");
        }
        done
    }

    /// The credential that the request shows.
    pub(crate) fn credential(&self) -> ApiResult<Credential> {
        self.credential.clone().ok_or(ApiError::Core(Error::Unauthenticated("this needs a bearer token")))
    }

    /// The actor of the request, for work that opens one transaction after another.
    pub(crate) fn who(&self) -> ApiResult<Acting> {
        self.credential().map(Acting::from)
    }

    /// The origin of the request, for its stream.
    pub(crate) fn source(&self) -> Source {
        source(&self.app, &self.request)
    }

    /// The origin of the request.
    pub(crate) fn origin(&self, device_fingerprint: Option<String>) -> Origin {
        origin(&self.app, &self.request, device_fingerprint)
    }

    /// Whether this media type is named among those that the client wants.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        // Several lines say the same as one (RFC 9110, 5.3).
        let mut wanted = self.request.headers().get_all(ACCEPT).filter_map(|line| line.to_str().ok());
        let is_it = |part: &str| {
            let mut said = part.split(';').map(str::trim);
            let is_named = said.next().is_some_and(|named| named.eq_ignore_ascii_case(media_type));
            // A quality of 0 is a refusal (RFC 9110, 12.4.2).
            is_named && !said.any(|said| said.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32)))
        };
        self.request.method() == Method::GET && wanted.any(|line| line.split(',').any(is_it))
    }

    /// Whether an answer may come in chunks, as HTTP knows them since 1.1.
    pub(crate) fn takes_chunks(&self) -> bool {
        self.request.version() >= actix_web::http::Version::HTTP_11
    }

    /// A header that is to be plain text, if it is there.
    pub(crate) fn text_header(&self, name: &'static str) -> ApiResult<Option<&str>> {
        let mut values = self.request.headers().get_all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(Error::invalid(name, "must be given once").into());
        }
        let refused = |_| Error::invalid(name, "must be plain ASCII").into();
        value.map(|value| value.to_str().map_err(refused)).transpose()
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(named, _)| *named == name).map(|(_, value)| value.to_owned())
    }

    /// The versions a change is made for; none is whichever there is. `*` means any that is there.
    pub(crate) fn if_match(&self) -> ApiResult<Option<Vec<Version>>> {
        let Some(header) = self.request.headers().get(IF_MATCH) else { return Ok(None) };
        let text = header.to_str().unwrap_or_default().trim();
        if text.len() > LONGEST_IF_MATCH {
            return Err(Error::invalid("If-Match", format!("must be at most {LONGEST_IF_MATCH} characters")).into());
        }
        if text == "*" {
            return Ok(None);
        }
        // Without its marks a good one would be told to be stale, again and again.
        if !text.is_empty() && !text.contains('"') {
            return Err(Error::invalid("If-Match", "must be an ETag in its quotation marks, like \"6616266f74d76\"").into());
        }
        // A tag that was never ours matches nothing, as a stale one does; a weak one never matches (RFC 9110, 13.1.1).
        Ok(Some(text.split(',').filter_map(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok()).collect()))
    }

    /// Whether the client says that it has the file of this ETag (RFC 9110, 13.1.2).
    pub(crate) fn has_already(&self, tag: &str) -> bool {
        let mut lines = self.request.headers().get_all(IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
        let is_it = |one: &str| {
            one == "*" || one.trim_start_matches("W/").strip_prefix('"').and_then(|one| one.strip_suffix('"')) == Some(tag)
        };
        lines.any(|line| line.split(',').any(|one| is_it(one.trim())))
    }

    /// A value of the path. One that can't be an id is no row's: it is not found.
    pub(crate) fn id<T: std::str::FromStr>(&self, name: &str, entity: &'static str) -> ApiResult<T> {
        // The framework leaves a plus as it was sent, so that nobody takes it for a blank.
        let plain = |text: &str| text.replace("%2B", "+").replace("%2b", "+");
        self.request.match_info().get(name).and_then(|text| plain(text).parse().ok()).ok_or(Error::NotFound { entity }.into())
    }

    /// The phone number that a path names. One that is written otherwise is at fault, and not somebody of whom nothing is known.
    pub(crate) fn phone(&self) -> ApiResult<PhoneNumber> {
        let written = || Error::invalid("phone", "must be a number with its + and country, like +14155550123");
        self.id("phone", "customer").map_err(|_| written().into())
    }

    /// The day that a path names: what is no day is not one that is missing.
    pub(crate) fn day(&self) -> ApiResult<NaiveDate> {
        self.id("date", "day").map_err(|_| Error::invalid("date", format!("must be {DAY}")).into())
    }

    /// The second of the two values of the path, which is any text, with nothing left encoded.
    pub(crate) fn second_text(&self) -> ApiResult<String> {
        let (_, text): (String, String) = self.request.match_info().load().map_err(|_| ApiError::NoRoute)?;
        Ok(text)
    }

    /// The user a path names; `me` is whoever asks.
    pub(crate) fn whom(&self) -> ApiResult<Whom> {
        match self.request.match_info().get("user") {
            Some("me") => Ok(Whom::Me),
            _ => self.id("user", "user").map(Whom::User),
        }
    }
}

/// Insists that a row is of a version that the change was made for, if it names any.
pub(crate) fn must_match(expected: Option<&Vec<Version>>, now: Version, entity: &'static str) -> Result<()> {
    expected.map_or(Ok(()), |expected| now.must_be_among(expected, entity))
}

/// Where a request comes from, for a stream.
pub(super) fn source(app: &App, request: &HttpRequest) -> Source {
    Source { origin: origin(app, request, None), line: request.conn_data::<Arc<Line>>().cloned() }
}

fn origin(app: &App, request: &HttpRequest, device_fingerprint: Option<String>) -> Origin {
    let user_agent = header(request, USER_AGENT.as_str()).map(str::to_owned);
    Origin { ip_address: app.proxies.client(request), user_agent, device_fingerprint }
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn bearer(request: &HttpRequest) -> ApiResult<Secret> {
    let text = header(request, AUTHORIZATION.as_str()).unwrap_or_default();
    let token = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer")).map(|(_, token)| token.trim());
    token.map(Secret::new).ok_or(Error::Unauthenticated("this needs a header `Authorization: Bearer` with a token").into())
}

pub(super) fn parse_query<Q: DeserializeOwned + IntoParams>(text: &str) -> ApiResult<Q> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let name: String = error.path().to_string().chars().take(100).collect();
        let field = |name: &str| if name == "." { "the query".to_owned() } else { name.to_owned() };
        let (name, rule) = match serde_words::read(&error.inner().to_string()) {
            // A name of theirs is repeated only if it could be one of ours.
            Said::Unknown if !json::is_a_name(&name) => (field("."), "is not a parameter here".to_owned()),
            Said::Unknown => (field(&name), "is not a parameter here".to_owned()),
            Said::Missing(missing) => (missing, "is required".to_owned()),
            Said::Twice(twice) => (twice, "must be given once".to_owned()),
            Said::Breaks(rule) => (field(&name), rule),
            said => {
                let expected = if let Said::Expected(what) = said { Some(format!("must be {what}")) } else { None };
                let rule = kinds::rule::<Q>(&name).or(expected);
                (field(&name), rule.unwrap_or_else(|| "is not of its kind".to_owned()))
            }
        };
        Error::invalid(name, rule).into()
    })
}
