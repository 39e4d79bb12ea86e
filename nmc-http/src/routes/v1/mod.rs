//! The API, version 1: one file per resource, all routes in one table.

mod alert_rules;
mod alerts;
mod analytics;
mod analytics_summary;
mod api_keys;
mod available_numbers;
mod browser_sessions;
mod call_analytics;
mod call_facts;
mod call_imports;
mod calls;
mod consents;
mod conversation_analytics;
mod conversation_events;
mod conversation_review;
mod conversation_steps;
mod conversations;
mod customers;
mod email_verifications;
mod escalation_contacts;
mod events;
mod holidays;
mod jobs;
mod kpis;
mod measurements;
mod messages;
mod number_costs;
mod numbers;
mod password_resets;
mod preferences;
mod profiles;
mod registrations;
mod replies;
mod report_schedules;
mod reports;
mod sessions;
mod settings;
mod socket;
mod status;
mod tenant;
mod users;

use crate::api::openapi::Document;
use crate::api::{Access, Api, Op};
use nmc_core::access::Permission;
use utoipa::openapi::OpenApi;

/// The OpenAPI document of the API.
#[must_use]
pub fn document() -> OpenApi {
    Document::of(routes)
}

const fn op(id: &'static str, what: &'static str, access: Access) -> Op {
    Op { id, what, access }
}

/// Every route.
#[rustfmt::skip] // a table
pub(crate) fn routes(api: &mut Api<'_>) {
    use Access::{Anyone, Needs, OwnOr, Public};
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

    api.path("business", "/v1/tenant", |r| {
        r.get(op("getTenant", "The business", Needs(TenantRead)), tenant::get)
            .patch(op("changeTenant", "Change the business", Needs(TenantWrite)), tenant::change);
    });
    api.path("business", "/v1/tenant/hours", |r| {
        r.get(op("getHours", "Whether the business is open, and when it opens next", Needs(TenantRead)), tenant::hours);
    });
    api.path("business", "/v1/holidays", |r| {
        r.get(op("listHolidays", "The days on which the business is closed whatever its hours say", Needs(TenantRead)), holidays::list);
    });
    api.path("business", "/v1/holidays/{date}", |r| {
        r.put(op("setHoliday", "Make a day a holiday, or give it another name", Needs(TenantWrite)), holidays::set)
            .delete(op("removeHoliday", "Make a holiday a day like others again", Needs(TenantWrite)), holidays::remove);
    });
    api.path("business", "/v1/tenant/onboarding", |r| {
        r.get(op("getOnboarding", "The progress of onboarding, and what each step still needs", Needs(TenantRead)), tenant::onboarding);
    });
    api.path("business", "/v1/tenant/onboarding/steps/{step}/completion", |r| {
        r.put(op("completeOnboardingStep", "Complete a step of onboarding", Needs(TenantWrite)), tenant::complete_step);
    });
    api.path("business", "/v1/settings", |r| {
        r.get(op("getSettings", "The settings of the business", Needs(SettingsRead)), settings::get)
            .patch(op("changeSettings", "Change the settings of the business", Needs(SettingsWrite)), settings::change);
    });
    api.path("business", "/v1/settings/greeting/preview", |r| {
        r.post(op("previewGreeting", "Preview the greeting that a caller would be texted", Needs(SettingsRead)), settings::preview);
    });
    api.path("business", "/v1/settings/greeting/review", |r| {
        r.put(op("reviewGreeting", "Approve of the greeting as it is", Needs(SettingsWrite)), settings::review);
    });

    api.path("numbers", "/v1/available-numbers", |r| {
        r.get(op("searchNumbers", "Phone numbers for sale", Needs(NumbersWrite)), available_numbers::search);
    });
    api.path("numbers", "/v1/numbers", |r| {
        r.get(op("listNumbers", "The business's phone numbers, newest first, released ones among them", Needs(NumbersRead)), numbers::list)
            .post(op("buyNumber", "Buy a phone number; bought once, however often it is asked for", Needs(NumbersWrite)), numbers::buy);
    });
    api.path("numbers", "/v1/numbers/{number}", |r| {
        r.get(op("getNumber", "A phone number", Needs(NumbersRead)), numbers::get);
    });
    api.path("numbers", "/v1/numbers/{number}/release", |r| {
        r.post(op("releaseNumber", "Give a phone number back, for good", Needs(NumbersWrite)), numbers::release);
    });
    api.path("numbers", "/v1/numbers/{number}/configuration", |r| {
        r.post(op("configureNumber", "Tell Twilio a number's webhooks again", Needs(NumbersWrite)), numbers::configure);
    });
    api.path("numbers", "/v1/number-costs", |r| {
        r.get(op("numberCosts", "What the phone numbers cost, month by month", Needs(NumbersCosts)), number_costs::list);
    });

    api.path("calls", "/v1/calls", |r| {
        r.get(op("listCalls", "Calls, newest first", Needs(CallsRead)), calls::list);
    });
    api.path("calls", "/v1/calls/imports", |r| {
        r.post(op("importCalls", "Import a call log, as CSV or JSON lines; each call is imported once, however often it is sent", Needs(CallsImport)), call_imports::import);
    });
    api.path("calls", "/v1/calls/{call}", |r| {
        r.get(op("getCall", "A call", Needs(CallsRead)), calls::get)
            .patch(op("changeCall", "Correct what is known about a call", Needs(CallsWrite)), calls::change);
    });
    api.path("calls", "/v1/calls/{call}/outcome", |r| {
        r.put(op("setCallOutcome", "Set the outcome of a call that has ended", Needs(CallsWrite)), calls::set_outcome);
    });
    api.path("calls", "/v1/calls/{call}/participants", |r| {
        r.get(op("listCallParticipants", "The parties of a call", Needs(CallsRead)), calls::participants);
    });
    api.path("calls", "/v1/calls/{call}/metadata", |r| {
        r.get(op("listCallMetadata", "The facts that are noted about a call", Needs(CallsRead)), call_facts::list);
    });
    api.path("calls", "/v1/calls/{call}/metadata/{key_name}", |r| {
        r.get(op("getCallMetadata", "A fact about a call", Needs(CallsRead)), call_facts::get)
            .put(op("setCallMetadata", "Set a fact about a call, in place of the one of this name", Needs(CallsWrite)), call_facts::set)
            .delete(op("removeCallMetadata", "Remove a fact about a call", Needs(CallsWrite)), call_facts::remove);
    });
    api.path("customers", "/v1/customers/{phone}", |r| {
        r.get(op("getCustomer", "All that is known about a customer, the latest first", Needs(CustomersRead)), customers::get);
    });

    api.path("texts", "/v1/consents", |r| {
        r.get(op("listConsents", "Customers' decisions about being texted, newest first", Needs(ConsentsRead)), consents::list)
            .post(op("recordConsent", "Record a customer's decision about being texted", Needs(ConsentsWrite)), consents::record);
    });
    api.path("conversations", "/v1/conversations", |r| {
        r.get(op("listConversations", "Conversations, newest first, each with its last text", Needs(ConversationsRead)), conversations::list)
            .post(op("openConversation", "Open a conversation with a customer who has no open one", Needs(ConversationsWrite)), conversations::open);
    });
    api.path("conversations", "/v1/conversations/{conversation}", |r| {
        r.get(op("getConversation", "A conversation, with its last text", Needs(ConversationsRead)), conversations::get)
            .patch(op("changeConversation", "Change what is known about a conversation's customer and subject", Needs(ConversationsWrite)), conversations::change);
    });
    api.path("conversations", "/v1/conversations/{conversation}/assign", |r| {
        r.post(op("assignConversation", "Assign a conversation to a user, or to oneself", Needs(ConversationsWrite)), conversation_steps::assign);
    });
    api.path("conversations", "/v1/conversations/{conversation}/unassign", |r| {
        r.post(op("unassignConversation", "Unassign a conversation, so that anybody may take it", Needs(ConversationsWrite)), conversation_steps::unassign);
    });
    api.path("conversations", "/v1/conversations/{conversation}/resolve", |r| {
        r.post(op("resolveConversation", "Resolve a conversation: its matter is settled", Needs(ConversationsWrite)), conversation_steps::resolve);
    });
    api.path("conversations", "/v1/conversations/{conversation}/close", |r| {
        r.post(op("closeConversation", "Close a conversation", Needs(ConversationsWrite)), conversation_steps::close);
    });
    api.path("conversations", "/v1/conversations/{conversation}/read", |r| {
        r.put(op("markRead", "Mark a conversation as read by oneself", Anyone), conversation_steps::mark_read);
    });
    api.path("conversations", "/v1/conversations/{conversation}/reopen", |r| {
        r.post(op("reopenConversation", "Reopen a conversation: its matter goes on in a new one", Needs(ConversationsWrite)), conversation_steps::reopen);
    });
    api.path("conversations", "/v1/conversations/{conversation}/tags/{tag}", |r| {
        r.put(op("addTag", "Tag a conversation", Needs(ConversationsWrite)), conversation_steps::add_tag)
            .delete(op("removeTag", "Remove a tag from a conversation", Needs(ConversationsWrite)), conversation_steps::remove_tag);
    });
    api.path("conversations", "/v1/conversations/{conversation}/notes", |r| {
        r.post(op("addNote", "Write a note into a conversation's log", Needs(ConversationsWrite)), conversation_steps::add_note);
    });
    api.path("conversations", "/v1/conversations/{conversation}/events", |r| {
        r.get(op("listConversationEvents", "What happened in a conversation, newest first", Needs(ConversationsRead)), conversation_events::list);
    });
    api.path("conversations", "/v1/conversations/{conversation}/messages", |r| {
        r.get(op("listMessages", "The texts of a conversation, with their pictures, newest first", Needs(MessagesRead)), messages::list)
            .post(op("reply", "Reply to a customer by text, once for each `client_key`", Needs(MessagesWrite)), replies::reply);
    });
    api.path("conversations", "/v1/conversations/{conversation}/messages/preview", |r| {
        r.post(op("previewReply", "Preview a reply: how long it is, and whether it may be sent", Needs(MessagesWrite)), replies::preview);
    });
    api.path("texts", "/v1/conversations/{conversation}/review", |r| {
        r.post(op("settleReview", "Say whether a text that may be an opt-out was one", Needs(ConsentsWrite)), conversation_review::settle);
    });
    api.path("texts", "/v1/messages", |r| {
        r.get(op("searchMessages", "Texts that have these words, with their pictures, newest first; greetings are not searched", Needs(MessagesRead)), messages::search);
    });
    api.path("texts", "/v1/messages/{message}", |r| {
        r.get(op("getMessage", "A text, with its pictures and what became of it", Needs(MessagesRead)), messages::get);
    });
    api.path("texts", "/v1/messages/{message}/media/{position}", |r| {
        r.get(op("getMedia", "The bytes of a file of a text", Needs(MessagesRead)), messages::media);
    });

    api.path("alerts", "/v1/alert-rules", |r| {
        r.get(op("listAlertRules", "The rules that raise alerts, newest first", Needs(AlertRulesRead)), alert_rules::list)
            .post(op("addAlertRule", "Add a rule that raises alerts", Needs(AlertRulesWrite)), alert_rules::add);
    });
    api.path("alerts", "/v1/alert-rules/defaults", |r| {
        r.post(op("addDefaultAlertRules", "Add the rules that a business begins with, but for those that it has", Needs(AlertRulesWrite)), alert_rules::add_defaults);
    });
    api.path("alerts", "/v1/alert-metrics", |r| {
        r.get(op("listAlertMetrics", "What is measured of every business, for rules to watch", Needs(AlertRulesRead)), alert_rules::metrics);
    });
    api.path("alerts", "/v1/alert-rules/{rule}/test", |r| {
        r.post(op("testAlertRule", "Send a test to whoever hears of a rule's alerts; the alert that it belongs to is over already", Needs(AlertRulesWrite)), alert_rules::test);
    });
    api.path("alerts", "/v1/alert-rules/{rule}", |r| {
        r.get(op("getAlertRule", "A rule that raises alerts", Needs(AlertRulesRead)), alert_rules::get)
            .patch(op("changeAlertRule", "Change a rule that raises alerts", Needs(AlertRulesWrite)), alert_rules::change)
            .delete(op("removeAlertRule", "Remove a rule with all its alerts and contacts; to keep those, disable it", Needs(AlertRulesWrite)), alert_rules::remove);
    });
    api.path("alerts", "/v1/alerts", |r| {
        r.get(op("listAlerts", "Alerts, newest first", Needs(AlertsRead)), alerts::list);
    });
    api.path("alerts", "/v1/alerts/{alert}", |r| {
        r.get(op("getAlert", "An alert", Needs(AlertsRead)), alerts::get);
    });
    api.path("alerts", "/v1/alerts/{alert}/acknowledge", |r| {
        r.post(op("acknowledgeAlert", "Take note of an alert, so that nobody else is told of it; for users alone", Needs(AlertsWrite)), alerts::acknowledge);
    });
    api.path("alerts", "/v1/alerts/{alert}/snooze", |r| {
        r.post(op("snoozeAlert", "Put an alert off; for users alone", Needs(AlertsWrite)), alerts::snooze);
    });
    api.path("alerts", "/v1/alerts/{alert}/wake", |r| {
        r.post(op("wakeAlert", "End the snooze of an alert before its time", Needs(AlertsWrite)), alerts::wake);
    });
    api.path("alerts", "/v1/alerts/{alert}/resolve", |r| {
        r.post(op("resolveAlert", "Say that the matter of an alert is settled; for users alone", Needs(AlertsWrite)), alerts::resolve);
    });
    api.path("alerts", "/v1/alerts/{alert}/history", |r| {
        r.get(op("listAlertEvents", "What happened to an alert, newest first", Needs(AlertsRead)), alerts::history);
    });
    api.path("alerts", "/v1/alerts/{alert}/notifications", |r| {
        r.get(op("listAlertNotifications", "Who was told of an alert, newest first; where is for those with `alert-contacts:read`", Needs(AlertsRead)), alerts::notifications);
    });
    api.path("alerts", "/v1/escalation-contacts", |r| {
        r.get(op("listEscalationContacts", "Whom alerts are passed on to, newest first", Needs(AlertContactsRead)), escalation_contacts::list)
            .post(op("addEscalationContact", "Add somebody whom alerts are passed on to", Needs(AlertContactsWrite)), escalation_contacts::add);
    });
    api.path("alerts", "/v1/escalation-contacts/{contact}", |r| {
        r.get(op("getEscalationContact", "Somebody whom alerts are passed on to", Needs(AlertContactsRead)), escalation_contacts::get)
            .patch(op("changeEscalationContact", "Change whom alerts are passed on to, and when", Needs(AlertContactsWrite)), escalation_contacts::change)
            .delete(op("removeEscalationContact", "Remove somebody whom alerts are passed on to", Needs(AlertContactsWrite)), escalation_contacts::remove);
    });
    api.path("alerts", "/v1/escalation-contacts/{contact}/secret", |r| {
        r.get(op("getWebhookSecret", "The secret by which a webhook's receiver checks what it gets, as the Standard Webhooks have it", Needs(AlertContactsWrite)), escalation_contacts::secret);
    });
    api.path("alerts", "/v1/escalation-contacts/{contact}/secret/rotate", |r| {
        r.post(op("rotateWebhookSecret", "Put another secret in the place of a webhook's; the one before signs beside it for 24 hours", Needs(AlertContactsWrite)), escalation_contacts::rotate_secret);
    });
    api.path("alerts", "/v1/measurements", |r| {
        r.get(op("listMeasurements", "Measured values, the last measured first", Needs(MeasurementsRead)), measurements::list)
            .post(op("recordMeasurements", "Record up to 1,000 values of metrics of the business's own; each is kept once, however often it is sent", Needs(MeasurementsWrite)), measurements::record);
    });

    api.path("analytics", "/v1/analytics/summary", |r| {
        r.get(op("getSummary", "The figures of the last days beside those of the days before, and what is to be done now", Needs(AnalyticsRead)), analytics_summary::get);
    });
    api.path("analytics", "/v1/analytics/metrics", |r| {
        r.get(op("listMetrics", "Figures of hours, days, weeks and months as they are stored, the latest first", Needs(AnalyticsRead)), analytics::metrics);
    });
    api.path("analytics", "/v1/analytics/figures", |r| {
        r.get(op("getFigures", "The figures of any stretch of time, from the rows as they are now", Needs(AnalyticsRead)), analytics::of_span);
    });
    api.path("analytics", "/v1/analytics/figures/rows", |r| {
        r.get(op("listFigureRows", "The rows behind a figure, which add up to it, in the order of their instants", Needs(AnalyticsRead)), analytics::rows);
    });
    api.path("analytics", "/v1/analytics/roll-up", |r| {
        r.get(op("getRollUp", "Where the figures of the business have come to", Needs(AnalyticsRead)), analytics::roll_up);
    });
    api.path("analytics", "/v1/analytics/rebuild", |r| {
        r.post(op("rebuildFigures", "Have all figures computed anew, month by month; they stay as they are until then", Needs(AnalyticsWrite)), analytics::rebuild);
    });
    api.path("analytics", "/v1/kpis", |r| {
        r.get(op("listKpis", "Key figures of days, weeks and months, those of the latest first", Needs(AnalyticsRead)), kpis::list);
    });
    api.path("analytics", "/v1/kpis/definitions", |r| {
        r.get(op("listKpiDefinitions", "The key figures there are", Needs(AnalyticsRead)), kpis::definitions);
    });
    api.path("analytics", "/v1/kpi-targets", |r| {
        r.get(op("listKpiTargets", "What key figures should come to", Needs(AnalyticsRead)), kpis::targets);
    });
    api.path("analytics", "/v1/kpi-targets/{kpi}/{period}", |r| {
        r.put(op("setKpiTarget", "Set what a key figure should come to; what is computed from then on is compared with it", Needs(AnalyticsWrite)), kpis::set_target)
            .delete(op("removeKpiTarget", "Remove a target", Needs(AnalyticsWrite)), kpis::remove_target);
    });
    api.path("analytics", "/v1/jobs", |r| {
        r.get(op("listJobs", "Jobs of analytics, newest first", Needs(JobsRead)), jobs::list);
    });
    api.path("analytics", "/v1/jobs/{job}", |r| {
        r.get(op("getJob", "A job of analytics", Needs(JobsRead)), jobs::get);
    });
    api.path("analytics", "/v1/jobs/{job}/cancel", |r| {
        r.post(op("cancelJob", "Call off a job that no worker has begun", Needs(JobsWrite)), jobs::cancel);
    });
    api.path("analytics", "/v1/jobs/{job}/retry", |r| {
        r.post(op("retryJob", "Have a job that failed done once more", Needs(JobsWrite)), jobs::retry);
    });
    api.path("analytics", "/v1/call-analytics", |r| {
        r.get(op("listCallAnalytics", "What is counted of calls, and what people tell of them, the latest call first", Needs(AnalyticsRead)), call_analytics::list);
    });
    api.path("analytics", "/v1/call-analytics/{call_analytics}", |r| {
        r.get(op("getCallAnalytics", "What is counted of a call, and what people tell of it", Needs(AnalyticsRead)), call_analytics::get)
            .patch(op("changeCallAnalytics", "Tell what became of a call", Needs(AnalyticsWrite)), call_analytics::change);
    });
    api.path("analytics", "/v1/conversation-analytics", |r| {
        r.get(op("listConversationAnalytics", "What is counted of conversations, and what people tell of them, the latest conversation first", Needs(AnalyticsRead)), conversation_analytics::list);
    });
    api.path("analytics", "/v1/conversation-analytics/{conversation_analytics}", |r| {
        r.get(op("getConversationAnalytics", "What is counted of a conversation, and what people tell of it", Needs(AnalyticsRead)), conversation_analytics::get)
            .patch(op("changeConversationAnalytics", "Tell what became of a conversation", Needs(AnalyticsWrite)), conversation_analytics::change);
    });

    api.path("events", "/v1/events", |r| {
        r.get(op("listEvents", "What has changed, in order: a page, or a stream that goes on", Needs(EventsRead)), events::list);
    });
    api.path("events", "/v1/socket", |r| {
        r.socket(op("openSocket", "What changes, and who is about to answer a customer, over a WebSocket", Needs(EventsRead)), socket::open);
    });

    api.path("people", "/v1/users", |r| {
        r.get(op("listUsers", "Users, newest first", Needs(UsersRead)), users::list)
            .post(op("inviteUser", "Invite a person to become a user", Needs(UsersWrite)), users::invite);
    });
    api.path("people", "/v1/users/{user}", |r| {
        r.get(op("getUser", "A user's account", OwnOr(UsersRead)), users::get)
            .patch(op("changeUser", "Change a user's account, role or access", OwnOr(UsersWrite)), users::change);
    });
    api.path("people", "/v1/users/{user}/invitation", |r| {
        r.post(op("inviteAgain", "Invite a user again who has lost the invitation or the password", Needs(UsersWrite)), users::invite_again);
    });
    api.path("people", "/v1/users/me/password", |r| {
        r.put(op("changePassword", "Change one's password; one's other sessions end", Anyone), users::change_password);
    });
    api.path("people", "/v1/profiles", |r| {
        r.get(op("listProfiles", "Profiles, newest first", Needs(ProfilesRead)), profiles::list);
    });
    api.path("people", "/v1/users/{user}/profile", |r| {
        r.get(op("getProfile", "A user's profile", OwnOr(ProfilesRead)), profiles::get)
            .patch(op("changeProfile", "Change a user's profile", OwnOr(ProfilesWrite)), profiles::change);
    });
    api.path("people", "/v1/users/{user}/profile/photo", |r| {
        r.get(op("getPhoto", "The photo of a user's profile", OwnOr(ProfilesRead)), profiles::photo)
            .put(op("setPhoto", "Upload a photo: JPEG, PNG or WebP, 5 MiB at most", OwnOr(ProfilesWrite)), profiles::set_photo)
            .delete(op("removePhoto", "Remove the photo of a user's profile", OwnOr(ProfilesWrite)), profiles::remove_photo);
    });
    api.path("people", "/v1/users/{user}/preferences", |r| {
        r.get(op("getPreferences", "A user's preferences", OwnOr(PreferencesRead)), preferences::get)
            .patch(op("changePreferences", "Change a user's preferences", OwnOr(PreferencesWrite)), preferences::change);
    });
    api.path("people", "/v1/status", |r| {
        r.get(op("listStatus", "The statuses of users, last seen first", Needs(StatusRead)), status::list);
    });
    api.path("people", "/v1/users/{user}/status", |r| {
        r.get(op("getStatus", "The status of a user, and whether they are online", OwnOr(StatusRead)), status::get)
            .patch(op("changeStatus", "Change a user's status and message", OwnOr(StatusWrite)), status::change);
    });
    api.path("people", "/v1/users/me/status/heartbeat", |r| {
        r.post(op("beat", "Send a heartbeat: be online for the next 90 seconds", Anyone), status::beat)
            .delete(op("goOffline", "Go offline", Anyone), status::go_offline);
    });

    api.path("reports", "/v1/reports", |r| {
        r.get(op("listReports", "Reports, newest first", Needs(ReportsRead)), reports::list)
            .post(op("makeReport", "Make a report of a period", Needs(ReportsWrite)), reports::make);
    });
    // Before what takes any name.
    api.path("reports", "/v1/reports/{report}.json", |r| {
        r.get(op("getReportJson", "All that a report says, as JSON", Needs(ReportsRead)), reports::as_json);
    });
    api.path("reports", "/v1/reports/{report}.csv", |r| {
        r.get(op("getReportCsv", "A report as CSV", Needs(ReportsRead)), reports::as_csv);
    });
    api.path("reports", "/v1/reports/{report}.pdf", |r| {
        r.get(op("getReportPdf", "A report as PDF", Needs(ReportsRead)), reports::as_pdf);
    });
    api.path("reports", "/v1/reports/{report}", |r| {
        r.get(op("getReport", "A report, and where its files are", Needs(ReportsRead)), reports::get)
            .delete(op("removeReport", "Remove a report", Needs(ReportsWrite)), reports::remove);
    });
    api.path("reports", "/v1/report-schedules", |r| {
        r.get(op("listReportSchedules", "Reports that are made and mailed by themselves", Needs(ReportsRead)), report_schedules::list);
    });
    api.path("reports", "/v1/report-schedules/{kind}", |r| {
        r.put(op("setReportSchedule", "Have a report made and mailed by itself", Needs(ReportsWrite)), report_schedules::set)
            .delete(op("removeReportSchedule", "Have a report made by itself no more", Needs(ReportsWrite)), report_schedules::remove);
    });
    api.path("reports", "/v1/report-mails", |r| {
        r.get(op("listReportMails", "Mails that bring reports, newest first", Needs(ReportsRead)), report_schedules::mails);
    });

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
