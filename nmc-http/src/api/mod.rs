//! The kit the API is made with. A route is written down once: what it is called, who may use it, what it takes and what it
//! answers are in its handler's types. The server and the OpenAPI document are both made from that, so neither can say what
//! the other does not do.

pub(crate) mod body;
mod bounds;
pub(crate) mod conflicts;
pub(crate) mod json;
mod kinds;
pub(crate) mod lists;
pub(crate) mod openapi;
mod problems;
pub(crate) mod reply;
pub(crate) mod request;
mod serde_words;
pub(crate) mod upgrade;
pub(crate) mod wire;

use crate::error::{ApiError, ApiResult};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, guard, web};
use nmc_core::access::Permission;
use openapi::Document;
use reply::{Reply, Switching};
use request::{Body, RequestContext};
use serde::de::DeserializeOwned;
use upgrade::Upgrade;
use utoipa::IntoParams;

/// The condition on who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody: it is how people authenticate.
    Public,
    /// Every user who was let in: it is about themselves, and an API key is none.
    Anyone,
    /// The route is for whoever it is about, and for others with the permission.
    OwnOr(Permission),
    /// The route is for whoever has the permission.
    Needs(Permission),
}

/// The name of a route, what it does, and who may use it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op {
    /// The name that clients generated from the document give it.
    pub(crate) id: &'static str,
    /// The act of the route, in a line.
    pub(crate) what: &'static str,
    /// The condition on who may use the route.
    pub(crate) access: Access,
}

/// The place where routes are written down: a server, or the document.
pub(crate) enum Api<'a> {
    /// A server's configuration.
    Server(&'a mut web::ServiceConfig),
    /// The document.
    Document(&'a mut Document),
}

impl Api<'_> {
    /// Adds one path and its methods.
    pub(crate) fn path(&mut self, tag: &'static str, path: &'static str, routes: impl FnOnce(&mut Routes<'_>)) {
        match self {
            Self::Document(document) => routes(&mut Routes { tag, path, methods: Vec::new(), into: Into::Document(document) }),
            Self::Server(app) => {
                let mut list = Routes { tag, path, methods: Vec::new(), into: Into::Server(Some(web::resource(path))) };
                routes(&mut list);
                let allowed = list.methods.join(", ");
                if let Into::Server(Some(resource)) = list.into {
                    app.service(resource.default_service(web::to(move || {
                        let allowed = allowed.clone();
                        async move { Err::<HttpResponse, _>(ApiError::Method(allowed)) }
                    })));
                }
            }
        }
    }
}

enum Into<'a> {
    Server(Option<actix_web::Resource>),
    Document(&'a mut Document),
}

/// The methods of one path.
pub(crate) struct Routes<'a> {
    tag: &'static str,
    path: &'static str,
    methods: Vec<&'static str>,
    into: Into<'a>,
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        pub(crate) fn $name<Q, B, R, F>(&mut self, op: Op, handler: fn(RequestContext<Q, B>) -> F) -> &mut Self
        where
            Q: DeserializeOwned + IntoParams + 'static,
            B: Body + 'static,
            R: Reply + 'static,
            F: Future<Output = ApiResult<R>> + 'static,
        {
            self.add(stringify!($method), Method::$method, op, handler)
        }
    )*};
}

impl Routes<'_> {
    methods! {
        get GET;
        post POST;
        put PUT;
        patch PATCH;
        delete DELETE;
    }

    /// Adds a WebSocket. Its credential may follow in the first message.
    pub(crate) fn socket<Q, F>(&mut self, op: Op, handler: fn(Upgrade<Q>) -> F) -> &mut Self
    where
        Q: DeserializeOwned + IntoParams + 'static,
        F: Future<Output = ApiResult<HttpResponse>> + 'static,
    {
        self.methods.extend(["GET", "HEAD"]);
        match &mut self.into {
            Into::Document(document) => document.add::<Q, (), Switching>(&Method::GET, self.path, self.tag, &op),
            Into::Server(resource) => {
                let access = op.access;
                let answer = move |request: HttpRequest, payload: web::Payload| async move {
                    handler(Upgrade::read(access, request, payload)?).await
                };
                let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(answer);
                *resource = resource.take().map(|resource| resource.route(route));
            }
        }
        self
    }

    fn add<Q, B, R, F>(&mut self, name: &'static str, method: Method, op: Op, handler: fn(RequestContext<Q, B>) -> F) -> &mut Self
    where
        Q: DeserializeOwned + IntoParams + 'static,
        B: Body + 'static,
        R: Reply + 'static,
        F: Future<Output = ApiResult<R>> + 'static,
    {
        self.methods.push(name);
        if method == Method::GET {
            self.methods.push("HEAD");
        }
        match &mut self.into {
            Into::Document(document) => document.add::<Q, B, R>(&method, self.path, self.tag, &op),
            Into::Server(resource) => {
                let access = op.access;
                let answer = move |request: HttpRequest, payload: web::Payload| async move {
                    let context = RequestContext::<Q, B>::read(access, request, payload).await?;
                    Ok::<HttpResponse, ApiError>(handler(context).await?.respond())
                };
                let route = web::route().guard(match method {
                    // HEAD is GET without the body, which the server leaves out.
                    Method::GET => guard::Any(guard::Get()).or(guard::Head()),
                    method => guard::Any(guard::Method(method)),
                });
                *resource = resource.take().map(|resource| resource.route(route.to(answer)));
            }
        }
        self
    }
}
