//! What the tests that ask for everything ask with: the operations of the document, a good request for each, and who asks.

use super::{PASSWORD, Person};
use crate::site::{Answer, Site};
use nmc_core::access::{Acting, InvitationToken, KeyOrder, Permission, make_service_key};
use nmc_core::alerts::{Address, NewAlertRule, NewEscalationContact, NewNotification};
use nmc_core::analytics::{NewCallAnalytics, NewConversationAnalytics, NewJob, NewReportSchedule};
use nmc_core::calls::{MetadataValue, NewCallParticipant};
use nmc_core::people::{NewPerson, invite};
use nmc_core::reports::ReportKind;
use nmc_core::testing::{Business, SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{Received, WantedReport, make_report, receive_text, record_voice_status, roll_up_all};
use nmc_core::{
    AlertId, AlertOperator, AlertRuleId, AlertSeverity, ApiKeyId, CallAnalyticsId, CallId, CallParticipantId, CallerIdentity,
    ContactType, ConversationAnalyticsId, ConversationId, Email, EscalationContactId, JobId, JobType, KpiPeriod, MessageId,
    NotificationChannel, ParticipantType, PhoneNumber, PhoneNumberId, ReportId, ReportInterval, UserId, UserRole,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::Mutex;
use uuid::Uuid;

/// What a request is about, made anew for each: it may not survive.
pub(super) struct Target {
    pub(super) user: Person,
    /// Somebody who can be given a conversation.
    pub(super) agent: UserId,
    pub(super) key: ApiKeyId,
    pub(super) session: String,
    pub(super) invitation: InvitationToken,
    /// A number that is held, here and at the provider.
    pub(super) number: PhoneNumberId,
    /// One that is for sale.
    pub(super) for_sale: PhoneNumber,
    /// A text that may be an opt-out, with a picture that is kept.
    pub(super) message: MessageId,
    pub(super) conversation: ConversationId,
    /// A call of hers, with a fact of the name `job`.
    pub(super) call: CallId,
    /// The party of the call.
    pub(super) participant: CallParticipantId,
    /// A call that is not over.
    pub(super) ringing: CallId,
    /// Who called and texted.
    pub(super) customer: PhoneNumber,
    pub(super) rule: AlertRuleId,
    /// An open alert of another rule, of which somebody was told.
    pub(super) alert: AlertId,
    pub(super) contact: EscalationContactId,
    pub(super) report: ReportId,
    /// What is counted of the call and of the conversation.
    pub(super) figures: (CallAnalyticsId, ConversationAnalyticsId),
    /// A job that no worker has begun.
    pub(super) job: JobId,
}

/// What the path of a request names.
#[derive(Clone)]
pub(super) struct Ids {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) key: String,
    pub(super) number: String,
    pub(super) message: String,
    pub(super) conversation: String,
    pub(super) call: String,
    pub(super) participant: String,
    pub(super) ringing: String,
    pub(super) customer: String,
    pub(super) rule: String,
    pub(super) alert: String,
    pub(super) contact: String,
    pub(super) report: String,
    pub(super) call_analytics: String,
    pub(super) conversation_analytics: String,
    pub(super) job: String,
}

impl Target {
    pub(super) fn ids(&self) -> Ids {
        let (user, key, number) = (self.user.id.to_string(), self.key.to_string(), self.number.to_string());
        let (message, conversation) = (self.message.to_string(), self.conversation.to_string());
        let (call, participant, customer) = (self.call.to_string(), self.participant.to_string(), self.customer.to_string());
        let (rule, alert, contact) = (self.rule.to_string(), self.alert.to_string(), self.contact.to_string());
        let session = self.session.clone();
        let (report, ringing) = (self.report.to_string(), self.ringing.to_string());
        let (call_analytics, conversation_analytics) = (self.figures.0.to_string(), self.figures.1.to_string());
        let job = self.job.to_string();
        Ids {
            user,
            session,
            key,
            number,
            message,
            conversation,
            call,
            participant,
            ringing,
            customer,
            rule,
            alert,
            contact,
            call_analytics,
            conversation_analytics,
            job,
            report,
        }
    }
}

impl Ids {
    /// The same text for each.
    pub(super) fn all(text: &str) -> Self {
        let [user, session, key, number, message, conversation, call, participant, ringing] = [(); 9].map(|()| text.to_owned());
        let [customer, rule, alert, contact, call_analytics, conversation_analytics, job, report] =
            [(); 8].map(|()| text.to_owned());
        Self {
            user,
            session,
            key,
            number,
            message,
            conversation,
            call,
            participant,
            ringing,
            customer,
            rule,
            alert,
            contact,
            call_analytics,
            conversation_analytics,
            job,
            report,
        }
    }

    /// Where an operation is, with these in its path.
    pub(super) fn path(&self, operation: &Operation) -> String {
        if operation.id == "searchMessages" {
            return format!("{}?q=stop+already", operation.path);
        }
        let span = "from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z";
        match operation.id.as_str() {
            "getFigures" => return format!("{}?{span}", operation.path),
            "listFigureRows" => return format!("{}?{span}&kpi=missed_rate", operation.path),
            _ => {}
        }
        let path = operation.path.replace("{user}", &self.user).replace("{session}", &self.session);
        let path = path.replace("{message}", &self.message).replace("{conversation}", &self.conversation);
        let call = if operation.id == "addCallParticipant" { &self.ringing } else { &self.call };
        let path = path.replace("{call}", call).replace("{phone}", &self.customer).replace("{key_name}", "job");
        let path = path.replace("{participant}", &self.participant);
        let path = path.replace("{rule}", &self.rule).replace("{alert}", &self.alert).replace("{contact}", &self.contact);
        let path = path.replace("{call_analytics}", &self.call_analytics).replace("{job}", &self.job);
        let path = path.replace("{conversation_analytics}", &self.conversation_analytics);
        let path = path.replace("{kpi}", "missed_rate").replace("{period}", "daily").replace("{kind}", "daily");
        let path = path.replace("{date}", "2026-12-25");
        path.replace("{key}", &self.key)
            .replace("{number}", &self.number)
            .replace("{report}", &self.report)
            .replace("{step}", "1")
            .replace("{tag}", "leak")
            .replace("{position}", "0")
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Who {
    Nobody,
    Forger,
    LoggedOut,
    Role(UserRole),
    KeyWith(Option<Permission>),
    Stranger,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Access {
    Public,
    Anyone,
    OwnOr(Permission),
    Needs(Permission),
}

/// One operation of the document.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) access: Access,
}

pub(super) fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(nmc_http::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let access = &operation["x-nmc-access"];
            let permission = || access["permission"].as_str().unwrap().parse().unwrap();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: match method {
                    "get" => "GET",
                    "post" => "POST",
                    "put" => "PUT",
                    "patch" => "PATCH",
                    _ => "DELETE",
                },
                path: path.clone(),
                access: match access["kind"].as_str().unwrap() {
                    "public" => Access::Public,
                    "anyone" => Access::Anyone,
                    "own" => Access::OwnOr(permission()),
                    "needs" => Access::Needs(permission()),
                    other => panic!("{other}"),
                },
            });
        }
    }
    all
}

/// What makes each request a good one: its body, or `null`. An operation without a row here fails the test.
pub(super) fn good_body(operation: &str, target: &Target) -> Option<Value> {
    Some(match operation {
        "register" => json!({
            "business": { "name": format!("Business {}", Uuid::now_v7()) },
            "owner": { "email": fresh_email(), "password": PASSWORD, "first_name": "New", "last_name": "Owner" },
        }),
        "logIn" => json!({ "email": target.user.email, "password": PASSWORD }),
        "logInBrowser" => json!({ "email": target.user.email, "password": PASSWORD }),
        "refreshBrowserSession" => json!({ "refresh_token": target.user.refresh }),
        "refreshSession" => json!({ "refresh_token": target.user.refresh }),
        "acceptInvitation" => json!({ "invitation": target.invitation.text().expose(), "password": PASSWORD }),
        "askForPasswordReset" => json!({ "email": target.user.email }),
        "resetPassword" => json!({ "token": mail_token("nmcp"), "password": PASSWORD }),
        "verifyEmail" => json!({ "token": mail_token("nmcv") }),
        "changeTenant" => json!({ "industry": "home services" }),
        "changeSettings" => json!({ "ai_takeover_delay_seconds": 120 }),
        "previewGreeting" => json!({}),
        "inviteUser" => json!({ "email": fresh_email(), "first_name": "New", "last_name": "Hand", "role": "viewer" }),
        "changeUser" => json!({ "email": fresh_email(), "current_password": PASSWORD }),
        "changePassword" => json!({ "current_password": PASSWORD, "new_password": "another horse battery" }),
        "changeProfile" => json!({ "display_name": "Patty" }),
        "changePreferences" => json!({ "show_tutorial": false }),
        "changeStatus" => json!({ "message": "at lunch" }),
        "makeApiKey" => json!({ "name": "a key", "scopes": ["api-keys:write"] }),
        "changeApiKey" => json!({ "name": "another name" }),
        "rotateApiKey" => json!({}),
        "makeReport" => json!({ "type": "weekly" }),
        "setReportSchedule" => json!({ "hour": 8 }),
        "buyNumber" => json!({ "phone_number": target.for_sale }),
        "recordConsent" => json!({ "customer_phone": unique_phone(), "action": "opt_in", "note": "asked to, by phone" }),
        "changeCall" => json!({ "caller_name": "Pat" }),
        "addCallParticipant" => json!({ "phone_number": unique_phone(), "type": "agent" }),
        "setCallOutcome" => json!({ "outcome": "blocked" }),
        "setCallMetadata" => json!({ "value": 7 }),
        "openConversation" => json!({ "customer_phone": unique_phone(), "subject": "a leak" }),
        "changeConversation" => json!({ "subject": "a leak" }),
        "assignConversation" => json!({ "assigned_to": target.agent.to_string() }),
        "addNote" => json!({ "note": "called back" }),
        "reply" => json!({ "client_key": Uuid::now_v7(), "body": "We come at nine" }),
        "previewReply" => json!({ "body": "We come at nine" }),
        "settleReview" => json!({ "decision": "none" }),
        "addAlertRule" => json!({
            "name": Uuid::now_v7(), "metric": "open jobs", "operator": "greater_than", "threshold": "7", "severity": "low",
        }),
        "changeAlertRule" => json!({ "threshold": "8" }),
        "acknowledgeAlert" | "resolveAlert" => json!({ "note": "called back" }),
        "snoozeAlert" => json!({ "minutes": 30 }),
        "addEscalationContact" => json!({ "contact_type": "email", "contact_value": fresh_email() }),
        "changeEscalationContact" => json!({ "escalation_level": 2 }),
        "recordMeasurements" => json!({ "rows": [{ "metric": "open jobs", "value": "7" }] }),
        "setHoliday" => json!({ "name": "Christmas Day" }),
        "setKpiTarget" => json!({ "target": "12.5" }),
        "changeCallAnalytics" => json!({ "conversion_status": "converted" }),
        "changeConversationAnalytics" => json!({ "satisfaction_rating": "4.5" }),
        "getSummary"
        | "listMetrics"
        | "getFigures"
        | "listFigureRows"
        | "getRollUp"
        | "rebuildFigures"
        | "listKpis"
        | "listKpiDefinitions"
        | "listKpiTargets"
        | "removeKpiTarget"
        | "listHolidays"
        | "removeHoliday"
        | "listJobs"
        | "getJob"
        | "cancelJob"
        | "retryJob"
        | "listCallAnalytics"
        | "getCallAnalytics"
        | "listConversationAnalytics"
        | "getConversationAnalytics"
        | "askForVerification"
        | "listSessions"
        | "getSession"
        | "logOutEverywhere"
        | "logOut"
        | "logOutBrowser"
        | "endSession"
        | "getTenant"
        | "getHours"
        | "getOnboarding"
        | "completeOnboardingStep"
        | "getSettings"
        | "reviewGreeting"
        | "listUsers"
        | "getUser"
        | "inviteAgain"
        | "listProfiles"
        | "getProfile"
        | "getPhoto"
        | "setPhoto"
        | "removePhoto"
        | "getPreferences"
        | "listStatus"
        | "getStatus"
        | "beat"
        | "goOffline"
        | "listApiKeys"
        | "getApiKey"
        | "revokeApiKey"
        | "searchNumbers"
        | "listNumbers"
        | "getNumber"
        | "releaseNumber"
        | "configureNumber"
        | "numberCosts"
        | "listCalls"
        | "getCall"
        | "importCalls"
        | "listCallParticipants"
        | "leaveCall"
        | "listCallMetadata"
        | "getCallMetadata"
        | "removeCallMetadata"
        | "getCustomer"
        | "exportCustomer"
        | "deleteCustomer"
        | "exportConversations"
        | "deleteConversation"
        | "listConsents"
        | "listConversations"
        | "getConversation"
        | "listConversationEvents"
        | "listMessages"
        | "unassignConversation"
        | "resolveConversation"
        | "closeConversation"
        | "reopenConversation"
        | "addTag"
        | "markRead"
        | "removeTag"
        | "listEvents"
        | "openSocket"
        | "addDefaultAlertRules"
        | "listAlertMetrics"
        | "testAlertRule"
        | "getWebhookSecret"
        | "rotateWebhookSecret"
        | "listAlertRules"
        | "getAlertRule"
        | "removeAlertRule"
        | "listAlerts"
        | "getAlert"
        | "wakeAlert"
        | "listAlertEvents"
        | "listAlertNotifications"
        | "listEscalationContacts"
        | "getEscalationContact"
        | "removeEscalationContact"
        | "listMeasurements"
        | "listReports"
        | "listReportSchedules"
        | "removeReportSchedule"
        | "listReportMails"
        | "getReport"
        | "getReportJson"
        | "getReportCsv"
        | "getReportPdf"
        | "removeReport"
        | "searchMessages"
        | "getMessage"
        | "getMedia" => Value::Null,
        _ => return None,
    })
}

/// The status of a good request that is let through.
pub(super) fn good_status(operation: &str) -> u16 {
    match operation {
        "register"
        | "logIn"
        | "logInBrowser"
        | "inviteUser"
        | "inviteAgain"
        | "makeApiKey"
        | "rotateApiKey"
        | "buyNumber"
        | "recordConsent"
        | "addCallParticipant"
        | "openConversation"
        | "reopenConversation"
        | "reply"
        | "addAlertRule"
        | "addEscalationContact"
        | "makeReport" => 201,
        "removeAlertRule"
        | "removeEscalationContact"
        | "removeReport"
        | "removeReportSchedule"
        | "removeKpiTarget"
        | "removeHoliday"
        | "removeCallMetadata"
        | "logOut"
        | "logOutBrowser"
        | "logOutEverywhere"
        | "endSession"
        | "changePassword"
        | "revokeApiKey"
        | "addNote" => 204,
        "askForPasswordReset" => 202,
        // The tokens are of no mail.
        "resetPassword" | "verifyEmail" => 400,
        "askForVerification" => 202,
        "rebuildFigures" => 202,
        // A text of hers may be an opt-out.
        "deleteCustomer" | "deleteConversation" => 409,
        // The contact is no webhook.
        "getWebhookSecret" | "rotateWebhookSecret" => 409,
        // It is not asked for as WebSocket here.
        "openSocket" => 426,
        _ => 200,
    }
}

pub(super) fn fresh_email() -> Email {
    format!("{}@example.com", Uuid::now_v7().simple()).parse().unwrap()
}

/// A token as mails hold it, though of none.
fn mail_token(kind: &str) -> String {
    let id = Uuid::now_v7().simple();
    format!("{kind}_{id}_{id}_{}", "A".repeat(43))
}

/// A log of one call that nobody has yet.
fn call_log() -> Vec<u8> {
    let (caller, called, sid) = (unique_phone(), unique_phone(), unique_sid("CA"));
    format!("caller_phone,called_phone,twilio_call_sid,outcome\n{caller},{called},{sid},missed\n").into_bytes()
}

/// One pixel.
pub(super) fn photo() -> Vec<u8> {
    let png = "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63105030000000a400613466\
        7d720000000049454e44ae426082";
    png.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

pub(super) struct Scene {
    pub(super) site: Site,
    agent: UserId,
    /// A report of last week, until it is removed.
    report: Cell<Option<ReportId>>,
}

impl Scene {
    /// Joe's may hold any number of numbers here: each target has one of its own.
    pub(super) fn new() -> Self {
        let site = Site::new();
        site.db.execute("UPDATE tenants SET phone_number_limit = 100000");
        let agent = site.person(&site.joe, UserRole::User).id;
        Self { site, agent, report: Cell::new(None) }
    }

    pub(super) fn target(&self) -> Target {
        let (site, joe) = (&self.site, &self.site.joe);
        let user = site.person(joe, UserRole::Viewer);
        let order = KeyOrder { name: "a key".to_owned(), scopes: vec![Permission::ApiKeysWrite], expires_at: None };
        let new = NewPerson {
            email: fresh_email(),
            first_name: "Pat".to_owned(),
            last_name: "Doe".to_owned(),
            phone_number: None,
            timezone: None,
            role: UserRole::Viewer,
        };
        let (key, invitation) =
            site.db.store.as_operator(&joe.tenant, |tx| Ok((make_service_key(tx, &order)?.0.id, invite(tx, &new)?.1))).unwrap();
        let session = self.session_of(joe, user.id);
        let for_sale = unique_phone();
        site.twilio.sell(&for_sale);
        let customer = unique_phone();
        let Received { message, conversation, .. } = self.doubtful_text(&customer);
        let (call, participant, ringing) = self.calls(&customer);
        let (rule, alert, contact) = self.alert();
        let (figures, job) = self.analytics(call, conversation);
        let (agent, report) = (self.agent, self.report());
        Target {
            user,
            agent,
            key,
            session,
            invitation,
            number: site.held(joe).id,
            for_sale,
            message,
            conversation,
            call,
            participant,
            ringing,
            customer,
            rule,
            alert,
            contact,
            report,
            figures,
            job,
        }
    }

    /// A report of last week: that of before, unless it is gone.
    fn report(&self) -> ReportId {
        let (store, acting) = (&self.site.db.store, Acting::Operator(self.site.joe.tenant));
        let is_there = |id: &ReportId| store.tenant(&self.site.joe.tenant, |tx| tx.reports().get(*id)).is_ok();
        let report = self.report.get().filter(is_there).unwrap_or_else(|| {
            assert_eq!(roll_up_all(store).unwrap().failed, 0);
            let last_week = WantedReport::last(ReportKind::Weekly, store.now().date_naive());
            make_report(store, &acting, last_week).unwrap().id
        });
        self.report.set(Some(report));
        report
    }

    /// What is counted of a call and a conversation, a target of a key figure, and a job; and a holiday.
    fn analytics(&self, call: CallId, conversation: ConversationId) -> ((CallAnalyticsId, ConversationAnalyticsId), JobId) {
        let (store, joe) = (&self.site.db.store, &self.site.joe);
        let made = store.tenant(&joe.tenant, |tx| {
            tx.kpi_targets().upsert_by_key("missed_rate", KpiPeriod::Daily, 10.into())?;
            tx.report_schedules().upsert_by_kind(ReportInterval::Daily, &NewReportSchedule::default())?;
            tx.holidays().upsert_by_day("2026-12-25".parse().unwrap(), "Christmas Day")?;
            let begun = tx.now();
            let of_call = NewCallAnalytics {
                call_id: Some(call),
                conversation_id: None,
                phone_number: None,
                call_type: None,
                call_status: None,
                call_duration: None,
                ai_takeover_count: 0,
                customer_satisfaction: None,
                conversion_status: None,
                revenue_impact: None,
                cost_per_call: None,
                tags: None,
                metadata: json!({}),
                call_date: begun,
            };
            let of_call = tx.call_analytics().create(&of_call)?.id;
            let of_conversation = NewConversationAnalytics::begun(conversation, begun);
            let of_conversation = tx.conversation_analytics().create(&of_conversation)?.id;
            let job = tx.jobs().create(&NewJob::now(JobType::Aggregation, json!({})))?.id;
            Ok(((of_call, of_conversation), job))
        });
        made.unwrap()
    }

    /// A rule with a contact, and an open alert of another rule, of which somebody was told.
    fn alert(&self) -> (AlertRuleId, AlertId, EscalationContactId) {
        let (store, joe) = (&self.site.db.store, &self.site.joe);
        let address = Address::new(fresh_email().to_string());
        // Those of earlier targets, before there are as many as a business may have.
        self.site.db.execute("DELETE FROM alert_rules WHERE (SELECT count(*) FROM alert_rules) > 300");
        let made = store.tenant(&joe.tenant, |tx| {
            let mut rule = || {
                let (name, above) = (Uuid::now_v7().to_string(), AlertOperator::GreaterThan);
                let new = NewAlertRule::new(name, "jobs", above, 7.into(), AlertSeverity::Low);
                tx.alert_rules().create(&NewAlertRule { escalation_enabled: true, ..new })
            };
            let (rule, other) = (rule()?.id, rule()?.id);
            let alert = tx.alerts().raise(other, 8.into(), None)?.alert.id;
            tx.notifications().create(&NewNotification {
                alert_id: alert,
                channel: NotificationChannel::Email,
                recipient: address.clone(),
                template_used: None,
                message_content: None,
                max_attempts: 3,
            })?;
            let contact = tx.escalation_contacts().create(&NewEscalationContact {
                rule_id: Some(rule),
                escalation_level: 1,
                contact_type: ContactType::Email,
                contact_value: address.clone(),
                is_active: true,
            })?;
            Ok((rule, alert, contact.id))
        });
        made.unwrap()
    }

    /// A missed call with a fact of the name `job`, its party, and a call that rings.
    fn calls(&self, customer: &PhoneNumber) -> (CallId, CallParticipantId, CallId) {
        let (store, joe) = (&self.site.db.store, &self.site.joe);
        let form = || VoiceForm::missed(customer.as_str(), &joe.number, &unique_sid("CA"));
        let call = |form: VoiceForm| record_voice_status(store, &form.parse()).unwrap().call;
        let (ringing, missed) = (call(form().with("CallStatus", "ringing")), call(form()));
        let caller = CallerIdentity::Phone(customer.clone());
        let new = NewCallParticipant { call_id: missed, phone_number: caller, participant_type: ParticipantType::Caller };
        let made = store.tenant(&joe.tenant, |tx| {
            tx.call_metadata().put(missed, "job", &MetadataValue::Number(7.into()))?;
            tx.call_participants().create(&new)
        });
        (missed, made.unwrap().id, ringing)
    }

    /// A text that may be an opt-out, with a picture that is kept.
    fn doubtful_text(&self, customer: &PhoneNumber) -> Received {
        let site = &self.site;
        let url = site.twilio.keep_picture("image/gif", b"GIF89a");
        let text = SmsForm::text(customer.as_str(), &site.joe.number, "stop it already").with("MediaUrl0", &url);
        let received = receive_text(&site.db.store, &text.parse()).unwrap();
        site.fetch_pictures();
        received
    }

    pub(super) fn session_of(&self, business: &Business, user: UserId) -> String {
        let query = format!(
            "SELECT id::text AS row FROM user_sessions WHERE user_id = '{user}' AND tenant_id = '{}' AND is_active ORDER BY id DESC LIMIT 1",
            business.tenant.id()
        );
        let rows: Vec<String> = nmc_core::testing::query(&mut self.site.db.superuser(), &query);
        rows[0].clone()
    }

    /// What somebody shows, and who they are if they are a user.
    pub(super) fn bearer(&self, who: Who) -> (Option<String>, Option<Person>) {
        let (site, joe) = (&self.site, &self.site.joe);
        match who {
            Who::Nobody => (None, None),
            Who::Forger => (Some("eyJhbGciOiJub25lIn0.e30.".to_owned()), None),
            Who::LoggedOut => {
                let person = site.person(joe, UserRole::Owner);
                site.call("DELETE", "/v1/sessions/current").by(&person.access).expect(204);
                (Some(person.access), None)
            }
            Who::Role(role) => {
                let person = site.person(joe, role);
                (Some(person.access.clone()), Some(person))
            }
            Who::Stranger => {
                let person = site.person(&site.rival, UserRole::Owner);
                (Some(person.access.clone()), Some(person))
            }
            Who::KeyWith(scope) => {
                // A scope beside the point, so that the key itself is good.
                let mut scopes = vec![scope.unwrap_or(Permission::SettingsRead)];
                // Whoever makes somebody of a role needs what the role has.
                if scope.is_some() {
                    let of_viewers = Permission::ALL.iter().filter(|permission| permission.is_of(UserRole::Viewer));
                    scopes.extend(of_viewers.filter(|permission| Some(**permission) != scope));
                }
                let order = KeyOrder { name: "the caller".to_owned(), scopes, expires_at: None };
                let (_, text) = site.db.store.as_operator(&joe.tenant, |tx| make_service_key(tx, &order)).unwrap();
                (Some(text.text().expose().to_owned()), None)
            }
        }
    }

    pub(super) fn ask(&self, operation: &Operation, bearer: Option<&str>, target: &Target, ids: &Ids) -> Answer {
        let path = ids.path(operation);
        // Whose sessions: without a user they are one's own.
        let about_sessions = ["listSessions", "logOutEverywhere"].contains(&operation.id.as_str());
        let path = if about_sessions && ids.user != "me" { format!("{path}?user={}", ids.user) } else { path };
        let mut call = self.site.call(operation.method, path);
        if let Some(bearer) = bearer {
            call = call.by(bearer);
        }
        let body = good_body(&operation.id, target).unwrap_or_else(|| panic!("{} has no row in the matrix", operation.id));
        match operation.id.as_str() {
            "setPhoto" => call.bytes("image/png", photo()).send(),
            "importCalls" => call.bytes("text/csv", call_log()).send(),
            _ if body.is_null() => call.send(),
            _ => call.json(&body).send(),
        }
    }
}

/// Each of some operations, asked in scenes of their own, several at once: a good request for each of all takes a minute.
pub(super) fn in_scenes(operations: Vec<Operation>, ask: impl Fn(&Scene, &mut dyn Iterator<Item = Operation>) + Sync) {
    let left = Mutex::new(operations.into_iter());
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let scene = Scene::new();
                ready(&scene);
                ask(&scene, &mut std::iter::from_fn(|| left.lock().unwrap().next()));
            });
        }
    });
}

fn ready(scene: &Scene) {
    // So that a step can be left, and a photo be got.
    let patch = json!({ "business_address": "1 Main St", "business_phone": "+13125550180", "business_type": "plumbing" });
    let owner = scene.site.person(&scene.site.joe, UserRole::Owner);
    scene.site.call("PATCH", "/v1/tenant").by(&owner.access).json(&patch).expect(200);
}
