//! Routes of logging in, and the keys of programs.

use crate::api::{Access, Api};
use crate::routes::v1::{api_keys, browser_sessions, email_verifications, op, password_resets, registrations, sessions, users};
use nmc_core::access::Permission;

/// Registering, logging in, and what the links of mails lead to.
#[rustfmt::skip] // a table
pub(super) fn authentication(api: &mut Api<'_>) {
    use Access::{Anyone, OwnOr, Public};
    use Permission::*;

    api.path("authentication", "/v1/registrations", |r| {
        r.post(op("register", "Register a business with its owner", Public), registrations::register);
    });
    api.path("authentication", "/v1/sessions", |r| {
        r.post(op("logIn", "Log in", Public), sessions::log_in)
            .get(op("listSessions", "List live sessions of oneself or another user, newest first", OwnOr(SessionsRead)), sessions::list)
            .delete(op("logOutEverywhere", "End all sessions of oneself or another user", OwnOr(SessionsEnd)), sessions::log_out_everywhere);
    });
    api.path("authentication", "/v1/sessions/refresh", |r| {
        r.post(op("refreshSession", "Exchange a refresh token for new tokens", Public), sessions::refresh);
    });
    api.path("authentication", "/v1/sessions/current", |r| {
        r.delete(op("logOut", "Log out", Anyone), sessions::log_out);
    });
    api.path("authentication", "/v1/sessions/{session}", |r| {
        r.get(op("getSession", "A session", OwnOr(SessionsRead)), sessions::get)
            .delete(op("endSession", "End a session", OwnOr(SessionsEnd)), sessions::end);
    });
    api.path("authentication", "/v1/browser-sessions", |r| {
        r.post(op("logInBrowser", "Log in a page: the refresh token is set as a cookie", Public), browser_sessions::log_in);
    });
    api.path("authentication", "/v1/browser-sessions/refresh", |r| {
        r.post(op("refreshBrowserSession", "Exchange the refresh token of the cookie for new tokens", Public), browser_sessions::refresh);
    });
    api.path("authentication", "/v1/browser-sessions/current", |r| {
        r.delete(op("logOutBrowser", "Log out a page, and clear its cookie", Anyone), browser_sessions::log_out);
    });
    api.path("authentication", "/v1/invitations/acceptance", |r| {
        r.post(op("acceptInvitation", "Choose a password with an invitation", Public), users::accept_invitation);
    });
    api.path("authentication", "/v1/password-resets", |r| {
        r.post(op("askForPasswordReset", "Ask for a mail with which to choose another password; the answer is the same whether there is such an account or not", Public), password_resets::ask);
    });
    api.path("authentication", "/v1/password-resets/accept", |r| {
        r.post(op("resetPassword", "Choose another password with the token of a mail; all sessions of the user end", Public), password_resets::accept);
    });
    api.path("authentication", "/v1/email-verifications", |r| {
        r.post(op("askForVerification", "Ask for a mail that verifies one's e-mail address", Anyone), email_verifications::ask);
    });
    api.path("authentication", "/v1/email-verifications/accept", |r| {
        r.post(op("verifyEmail", "Verify an e-mail address with the token of a mail", Public), email_verifications::accept);
    });
}

/// API keys.
#[rustfmt::skip] // a table
pub(super) fn api_keys(api: &mut Api<'_>) {
    use Access::Needs;
    use Permission::*;

    api.path("API keys", "/v1/api-keys", |r| {
        r.get(op("listApiKeys", "API keys, newest first, without their secrets", Needs(ApiKeysRead)), api_keys::list)
            .post(op("makeApiKey", "Make an API key; its text is shown this once", Needs(ApiKeysWrite)), api_keys::make);
    });
    api.path("API keys", "/v1/api-keys/{key}", |r| {
        r.get(op("getApiKey", "An API key", Needs(ApiKeysRead)), api_keys::get)
            .patch(op("changeApiKey", "Change the name, scopes or expiry of an API key", Needs(ApiKeysWrite)), api_keys::change)
            .delete(op("revokeApiKey", "Revoke an API key", Needs(ApiKeysWrite)), api_keys::revoke);
    });
    api.path("API keys", "/v1/api-keys/{key}/rotation", |r| {
        r.post(op("rotateApiKey", "Replace an API key; the old one stays in force for a while", Needs(ApiKeysWrite)), api_keys::rotate);
    });
}
