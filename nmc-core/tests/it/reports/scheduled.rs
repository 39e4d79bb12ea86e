//! Reports that are made and mailed by themselves.

use crate::support::{Scene, at_once, refused};
use nmc_core::analytics::{
    Job, JobFilter, NewJob, NewReportSchedule, ReportFilter, ReportHead, ReportMail, ReportMailFilter, ReportSchedule,
    ReportSchedulePatch, Unreached,
};
use nmc_core::chrono::{DateTime, TimeDelta, Utc};
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::testing::{Business, FakeSmtp, SmtpFault, SmtpStep, TakenMail};
use nmc_core::workflows::{JobPass, JobWorker, JobWorkerConfig, ReportMailPass, ReportMailer, ReportMailerConfig, roll_up_all};
use nmc_core::{
    Clock as _, Error, JobStatus, JobType, PageRequest, ReportInterval, ReportMailStatus, Secret, Store, TenantTx, UserId,
    serde_json::json, uuid,
};
use std::collections::HashMap;
use std::sync::{Arc, Barrier};

use ReportInterval::{Daily, Monthly, Weekly};

const NOTHING: JobPass = JobPass { scheduled: 0, worked: 0, put_back: 0, failed: 0 };
const ONE: JobPass = JobPass { scheduled: 1, worked: 1, ..NOTHING };
const SENT: ReportMailPass = ReportMailPass { sent: 1, put_back: 0, failed: 0 };

/// A business in New York with a mail server. Its only owner has an address that is verified.
pub(super) struct Press {
    pub(super) scene: Scene,
    smtp: FakeSmtp,
    owner: UserId,
}

impl Press {
    pub(super) fn new() -> Self {
        let scene = Scene::new();
        scene.db.execute("UPDATE tenants SET timezone = 'America/New_York'");
        let owner = scene.business.user(&scene.db.store);
        scene.db.execute(&format!(
            "UPDATE users SET role = 'owner', email = 'ann@example.com', first_name = 'Ann' WHERE id = '{owner}'"
        ));
        let press = Self { scene, smtp: FakeSmtp::start(), owner };
        press.be("2026-11-24 06:00");
        roll_up_all(&press.scene.db.store).unwrap();
        press
    }

    /// Sets the clock to an instant of New York's winter (UTC−5).
    pub(super) fn be(&self, local: &str) {
        self.set(format!("{local}:00-05:00").replace(' ', "T").parse().unwrap());
    }

    fn set(&self, at: DateTime<Utc>) {
        self.scene.clock.advance(at - self.scene.clock.now());
    }

    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> nmc_core::Result<T>) -> nmc_core::Result<T> {
        self.scene.tx(work)
    }

    pub(super) fn schedule(&self, kind: ReportInterval, new: &NewReportSchedule) -> ReportSchedule {
        self.tx(|tx| tx.report_schedules().upsert_by_kind(kind, new)).unwrap()
    }

    pub(super) fn jobs(&self) -> JobPass {
        JobWorker::new(self.scene.db.store.clone(), JobWorkerConfig::default()).pass().unwrap()
    }

    fn mailer(&self) -> ReportMailer {
        let config = SmtpConfig::parse(&Secret::new(self.smtp.url()), "nmc@nmc.example.com").unwrap();
        let sender = Arc::new(SmtpMailer::new(config).unwrap());
        let page = Some("https://nmc.example.com/app#/figures".to_owned());
        ReportMailer::new(self.scene.db.store.clone(), Some(sender), page, ReportMailerConfig::default())
    }

    fn mail(&self) -> ReportMailPass {
        self.mailer().pass().unwrap()
    }

    fn reports(&self) -> Vec<ReportHead> {
        self.tx(|tx| tx.reports().list(&ReportFilter::default(), PageRequest::first())).unwrap().items
    }

    fn job_rows(&self) -> Vec<Job> {
        self.tx(|tx| tx.jobs().list(&JobFilter::default(), PageRequest::first())).unwrap().items
    }

    fn mails(&self) -> Vec<ReportMail> {
        self.tx(|tx| tx.report_mails().list(&ReportMailFilter::default(), PageRequest::first())).unwrap().items
    }

    /// The first days of the reports, the last made first.
    fn days(&self) -> Vec<String> {
        let zone: nmc_core::Timezone = "America/New_York".parse().unwrap();
        let day = |report: &ReportHead| format!("{} {}", report.report_type, zone.date(report.period_start).unwrap());
        self.reports().iter().map(day).collect()
    }
}

/// The lines of a mail as they were written.
fn plain(mail: &TakenMail) -> String {
    mail.text.replace("=\n", "").replace("=3D", "=")
}

#[test]
fn daily_report_is_made_and_mailed_at_seven() {
    let press = Press::new();
    press.scene.business.missed(&press.scene.db.store);
    let schedule = press.schedule(Daily, &NewReportSchedule::default());
    assert_eq!(schedule.next_due_at.to_rfc3339(), "2026-11-24T12:00:00+00:00");
    press.be("2026-11-24 06:59");
    assert_eq!((press.jobs(), press.mail()), (NOTHING, ReportMailPass::default()), "not yet");
    press.be("2026-11-24 07:00");
    assert_eq!(press.jobs(), ONE);
    assert_eq!(press.days(), ["daily 2026-11-23"]);
    assert_eq!(press.mail(), SENT);
    let [mail] = &press.smtp.taken()[..] else { panic!("one mail") };
    assert_eq!(mail.to, ["ann@example.com"]);
    assert_eq!(mail.header("Subject").unwrap(), "Report of Joe's Plumbing: Monday, November 23, 2026");
    let row = press.mails().remove(0);
    assert_eq!(mail.header("Message-ID").unwrap(), format!("<{}@nmc.example.com>", row.id));
    assert!(mail.header("Content-Type").unwrap().starts_with("multipart/mixed"));
    let text = plain(mail);
    let begin = "Hello Ann,\n\nthis is how Joe's Plumbing did on Monday, November 23, 2026.\n\nCalls: 0\n";
    assert!(text.contains(begin) && text.contains("There are no figures of the day before to compare with."), "{text}");
    assert!(!text.contains("(the day before: ") && !text.contains("Answer rate"), "{text}");
    assert_eq!(text.matches("America/New_York").count(), 2, "once in the text, once in the HTML: {text}");
    assert_eq!(text.matches("https://nmc.example.com/app#/figures").count(), 2, "{text}");
    assert!(text.contains("=\"report-joes-plumbing-daily-2026-11-23.pdf\"") && text.contains("application/pdf"), "{text}");
    // %PDF in base64.
    assert!(text.contains("\nJVBER"), "{text}");
    let report = press.reports().remove(0).id;
    assert_eq!((row.status, row.attempts, row.report_id, row.user_id), (ReportMailStatus::Sent, 1, report, press.owner));
    let job = press.job_rows().remove(0);
    assert_eq!((job.status, job.progress, job.result), (JobStatus::Completed, 100, Some(json!({"report": report, "mails": 1}))));
    press.be("2026-11-24 23:00");
    assert_eq!((press.jobs(), press.mail()), (NOTHING, ReportMailPass::default()), "once a day");
    press.be("2026-11-25 07:00");
    assert_eq!((press.jobs(), press.mail()), (ONE, SENT));
    assert_eq!(press.days(), ["daily 2026-11-24", "daily 2026-11-23"]);
}

/// Another member of the business: a role, whether the address is verified, whether the account is active, and whether mails are wanted.
pub(super) fn member(press: &Press, name: &str, role: &str, is_verified: bool, is_active: bool, wants: Option<bool>) -> UserId {
    let id = press.scene.business.user(&press.scene.db.store);
    press.scene.db.execute(&format!(
        "UPDATE users SET role = '{role}', email = '{name}@example.com', email_verified = {is_verified}, is_active = {is_active} WHERE id = '{id}'"
    ));
    if let Some(wants) = wants {
        press.prefer(id, wants);
    }
    id
}

impl Press {
    /// Says whether a user wants mails.
    fn prefer(&self, user: UserId, wants: bool) {
        let of = format!("FROM users WHERE id = '{user}'");
        self.scene.db.execute(&format!(
            "INSERT INTO user_profiles (tenant_id, user_id, email, first_name, last_name) SELECT tenant_id, id, email, 'A', 'B' {of};
             INSERT INTO user_preferences (tenant_id, user_id, email_notifications_enabled) SELECT tenant_id, id, {wants} {of}"
        ));
    }

    /// Everybody whom the server took a mail for, in order.
    fn told(&self) -> Vec<String> {
        let mut told: Vec<String> = self.smtp.taken().into_iter().flat_map(|mail| mail.to).collect();
        told.sort();
        told
    }

    /// Why mails were not sent.
    pub(super) fn fates(&self) -> Vec<String> {
        self.mails().into_iter().filter_map(|mail| mail.error_message).collect()
    }

    /// What became of the last mail, and why.
    fn fate(&self) -> (ReportMailStatus, String) {
        let last = self.mails().remove(0);
        (last.status, last.error_message.unwrap_or_default())
    }

    /// The report of Monday, made and waiting to be mailed to Ann.
    fn waiting() -> Self {
        let press = Self::new();
        press.schedule(Daily, &NewReportSchedule::default());
        press.be("2026-11-24 07:00");
        assert_eq!(press.jobs(), ONE);
        press
    }
}

#[test]
fn mail_compares_with_the_period_before() {
    let press = Press::new();
    let tenant = press.scene.business.tenant.id();
    press.scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
         SELECT '{tenant}', '+15550100001', '+15550199999', 'inbound', 'no-answer', 'missed', at, at
         FROM unnest(ARRAY['2026-11-17 12:00-05', '2026-11-24 12:00-05', '2026-11-25 12:00-05']::timestamptz[]) AS at"
    ));
    press.schedule(Weekly, &NewReportSchedule::default());
    press.be("2026-11-30 07:00");
    roll_up_all(&press.scene.db.store).unwrap();
    assert_eq!((press.jobs(), press.mail()), (ONE, SENT));
    let text = plain(&press.smtp.taken()[0]);
    assert!(text.contains("did in the week of November 23 =E2=80=93 29, 2026."), "{text}");
    assert!(text.contains("\nCalls: 2 (the week before: 1)\n") && text.contains("\nMissed: 2 (the week before: 1)\n"), "{text}");
    assert!(text.contains("\nAnswer rate: 0% (the week before: 0%)\n") && !text.contains("no figures of"), "{text}");
}

#[test]
fn weekly_and_monthly_reports_are_of_the_period_before() {
    let press = Press::new();
    press.schedule(Weekly, &NewReportSchedule::default());
    press.schedule(Monthly, &NewReportSchedule { hour: 9, ..NewReportSchedule::default() });
    press.be("2026-11-30 06:59");
    assert_eq!(press.jobs(), NOTHING);
    press.be("2026-11-30 07:00");
    assert_eq!((press.jobs(), press.days()), (ONE, vec!["weekly 2026-11-23".to_owned()]));
    press.be("2026-12-01 08:59");
    assert_eq!(press.jobs(), NOTHING);
    press.be("2026-12-01 09:00");
    assert_eq!((press.jobs(), press.days().remove(0)), (ONE, "monthly 2026-11-01".to_owned()));
}

#[test]
fn missed_times_are_made_up_once() {
    let press = Press::new();
    press.schedule(Daily, &NewReportSchedule::default());
    press.schedule(Weekly, &NewReportSchedule::default());
    // Nobody worked from Tuesday to the early Thursday of the week after.
    press.be("2026-12-03 05:00");
    assert_eq!(press.jobs().scheduled, 2);
    assert_eq!(press.jobs().worked, 1, "one job of a business at a look");
    let mut days = press.days();
    days.sort();
    assert_eq!(days, ["daily 2026-12-01", "weekly 2026-11-23"], "of Wednesday's time, the last that there was");
    press.be("2026-12-03 07:00");
    assert_eq!((press.jobs(), press.days().remove(0)), (ONE, "daily 2026-12-02".to_owned()));
}

#[test]
fn report_comes_once_when_the_clock_is_set() {
    let press = Press::new();
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    // 2 am of 14 March 2027 is skipped; 1 am of 7 November comes twice.
    for (hour, due) in [(2, "2027-03-14T07:00:00Z"), (1, "2027-11-07T05:00:00Z")] {
        press.set(at(due) - TimeDelta::hours(2));
        let schedule = press.schedule(Daily, &NewReportSchedule { hour, ..NewReportSchedule::default() });
        assert_eq!(schedule.next_due_at, at(due));
        press.set(at(due) - TimeDelta::seconds(1));
        assert_eq!(press.jobs(), NOTHING);
        press.set(at(due));
        assert_eq!(press.jobs(), ONE);
        for hours in 1..12 {
            press.set(at(due) + TimeDelta::hours(hours));
            assert_eq!(press.jobs(), NOTHING, "{hours} hours later");
        }
        press.tx(|tx| tx.report_schedules().delete(Daily)).unwrap();
    }
}

#[test]
fn schedule_follows_the_zone_of_the_business() {
    let press = Press::new();
    press.schedule(Daily, &NewReportSchedule::default());
    press.scene.db.execute("UPDATE tenants SET timezone = 'America/Los_Angeles'");
    assert_eq!(press.jobs(), NOTHING);
    let due = press.tx(|tx| tx.report_schedules().list()).unwrap().remove(0).next_due_at;
    assert_eq!(due.to_rfc3339(), "2026-11-24T15:00:00+00:00");
    press.be("2026-11-24 07:00");
    assert_eq!(press.jobs(), NOTHING, "it is four in Los Angeles");
    roll_up_all(&press.scene.db.store).unwrap();
    press.be("2026-11-24 10:00");
    assert_eq!(press.jobs(), ONE);
}

#[test]
fn later_hour_does_not_report_on_a_day_again() {
    let press = Press::waiting();
    press.schedule(Daily, &NewReportSchedule { hour: 9, ..NewReportSchedule::default() });
    press.be("2026-11-24 09:00");
    assert_eq!(press.jobs(), NOTHING);
    press.be("2026-11-25 09:00");
    assert_eq!(press.jobs(), ONE);
    // What is switched off is not made up later.
    press.schedule(Daily, &NewReportSchedule { is_active: false, ..NewReportSchedule::default() });
    press.be("2026-11-27 12:00");
    assert_eq!(press.jobs(), NOTHING);
    press.schedule(Daily, &NewReportSchedule::default());
    assert_eq!(press.jobs(), NOTHING);
    assert_eq!(press.days(), ["daily 2026-11-24", "daily 2026-11-23"]);
}

#[test]
fn change_after_the_hour_does_not_lose_the_report() {
    let press = Press::new();
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:01");
    press.schedule(Daily, &NewReportSchedule { hour: 6, ..NewReportSchedule::default() });
    assert_eq!(press.jobs(), ONE);
}

#[test]
fn two_workers_make_one_report_and_one_mail() {
    let press = Press::new();
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    let both = |work: &(dyn Fn() + Sync)| {
        let barrier = Barrier::new(2);
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    barrier.wait();
                    work();
                });
            }
        });
    };
    both(&|| assert!(press.jobs().failed == 0));
    assert_eq!((press.reports().len(), press.job_rows().len(), press.mails().len()), (1, 1, 1));
    both(&|| assert!(press.mail().failed == 0));
    assert_eq!(press.told(), ["ann@example.com"]);
}

#[test]
fn worker_that_dies_leaves_its_job_and_mail_to_another() {
    let press = Press::new();
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    // It dies after it has taken the job, and the next one between the report and the mail.
    press.tx(|tx| tx.jobs().insert_if_missing(&NewJob::now(JobType::Aggregation, json!({})))).unwrap();
    press.tx(|tx| tx.jobs().claim(10, TimeDelta::minutes(10))).unwrap();
    assert_eq!(press.jobs(), ONE, "the schedule's");
    press.scene.db.execute(
        "UPDATE report_mails SET attempts = 1, lease_owner = gen_random_uuid(),
        lease_expires_at = next_attempt_at + interval '6 min', next_attempt_at = next_attempt_at + interval '6 min'",
    );
    assert_eq!(press.mail(), ReportMailPass::default(), "another has it");
    press.be("2026-11-24 07:11");
    assert_eq!(press.jobs(), JobPass { worked: 1, ..NOTHING }, "the lease has ended");
    assert_eq!(press.mail(), SENT);
    assert_eq!((press.reports().len(), press.told().len(), press.mails()[0].attempts), (1, 1, 2));
}

#[test]
fn mails_wait_for_a_server_that_is_away() {
    let press = Press::waiting();
    press.smtp.fail_with([
        SmtpFault::Drop(SmtpStep::Greeting),
        SmtpFault::Answer(SmtpStep::Message, "451 4.7.1 ann@example.com later".to_owned()),
        SmtpFault::DropAfterTaking,
    ]);
    let put_back = ReportMailPass { put_back: 1, ..ReportMailPass::default() };
    for _ in 0..3 {
        assert_eq!(press.mail(), put_back);
        let (status, why) = press.fate();
        assert!(status == ReportMailStatus::Waiting && !why.is_empty() && !why.contains('@'), "{why}");
        press.scene.clock.advance(TimeDelta::minutes(3));
    }
    assert_eq!(press.mail(), SENT);
    let ids: Vec<_> = press.smtp.taken().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids.len(), 2, "its receipt got lost");
    assert_eq!(ids[0], ids[1], "the same mail to its reader");
    assert_eq!((press.mails()[0].attempts, press.fate()), (4, (ReportMailStatus::Sent, String::new())));
}

#[test]
fn mails_that_can_never_be_sent_are_given_up_visibly() {
    let given_up = ReportMailPass { failed: 1, ..ReportMailPass::default() };
    let refused = Press::waiting();
    refused.smtp.fail_with([SmtpFault::Answer(SmtpStep::Recipient, "550 5.1.1 no such ann@example.com".to_owned())]);
    assert_eq!(refused.mail(), given_up);
    assert_eq!(refused.fate(), (ReportMailStatus::Failed, "the mail server refuses it: 550 5.1.1".to_owned()));

    let without = Press::waiting();
    let mailer = || ReportMailer::new(without.scene.db.store.clone(), None, None, ReportMailerConfig::default());
    assert_eq!(mailer().pass().unwrap(), ReportMailPass::default(), "another worker may have a server");
    assert_eq!(without.mails()[0].attempts, 0);
    without.be("2026-11-26 07:00");
    assert_eq!(mailer().pass().unwrap(), given_up);
    assert_eq!(without.fate(), (ReportMailStatus::Failed, "it could not be sent in time".to_owned()));

    let gone = Press::waiting();
    gone.scene.db.execute("UPDATE analytics_reports SET expires_at = '2026-11-24 12:00+00'");
    assert_eq!((gone.mail(), gone.fate()), (given_up, (ReportMailStatus::Failed, "the report is gone".to_owned())));
}

#[test]
fn mail_is_tried_as_often_as_may_be_and_no_more() {
    let given_up = ReportMailPass { failed: 1, ..ReportMailPass::default() };
    let later = SmtpFault::Answer(SmtpStep::Message, "451 later".to_owned());
    let last = Press::waiting();
    last.scene.db.execute("UPDATE report_mails SET attempts = 19");
    last.smtp.fail_with([later]);
    assert_eq!((last.mail(), last.fate().0), (given_up, ReportMailStatus::Failed));
    // Whoever made the last attempt may have died of it.
    let spent = Press::waiting();
    spent.scene.db.execute("UPDATE report_mails SET attempts = 20");
    assert_eq!((spent.mail(), spent.told().len()), (given_up, 0));
    assert_eq!(spent.fate(), (ReportMailStatus::Failed, "it was tried as often as may be".to_owned()));
}

#[test]
fn mails_of_several_reports_bring_each_its_own() {
    let press = Press::new();
    member(&press, "bob", "admin", true, true, None);
    press.schedule(Daily, &NewReportSchedule::default());
    press.schedule(Weekly, &NewReportSchedule::default());
    press.be("2026-11-30 07:00");
    assert_eq!((press.jobs().scheduled, press.jobs().worked, press.reports().len()), (2, 1, 2));
    assert_eq!(press.mail(), ReportMailPass { sent: 4, ..ReportMailPass::default() });
    let files: Vec<(String, String)> = press
        .smtp
        .taken()
        .iter()
        .map(|mail| {
            let (_, file) = mail.text.split_once("application/pdf").expect("a PDF");
            let body = file.split_once("\nJVBER").expect("a PDF").1;
            (mail.header("Subject").unwrap(), body.split("\n--").next().unwrap().to_owned())
        })
        .collect();
    for (subject, file) in &files {
        for (other, its) in &files {
            assert_eq!(subject == other, file == its, "{subject}, {other}");
        }
    }
}

#[test]
fn report_goes_to_owners_and_admins_who_want_mails() {
    let press = Press::new();
    member(&press, "admin", "admin", true, true, None);
    member(&press, "wants", "admin", true, true, Some(true));
    member(&press, "no", "admin", true, true, Some(false));
    member(&press, "unverified", "owner", false, true, None);
    member(&press, "gone", "owner", true, false, None);
    member(&press, "operator", "operator", true, true, None);
    let _ = Business::onboard(&press.scene.db.store, "Another").user(&press.scene.db.store);
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    assert_eq!(press.jobs(), ONE);
    assert_eq!(press.mail().sent, 3);
    assert_eq!(press.told(), ["admin@example.com", "ann@example.com", "wants@example.com"]);
}

#[test]
fn schedule_tells_who_would_get_none_and_why() {
    let press = Press::new();
    let admin = |name, is_verified, is_active, wants| member(&press, name, "admin", is_verified, is_active, wants);
    let (unverified, gone) = (admin("unverified", false, true, None), admin("gone", true, false, None));
    let (invited, quiet) = (admin("invited", false, true, None), admin("quiet", true, true, Some(false)));
    let operator = member(&press, "operator", "operator", true, true, None);
    press.scene.db.execute(&format!("UPDATE users SET password_hash = '!' WHERE id = '{invited}'"));
    let told = |user_ids: Vec<UserId>| {
        let schedule = press.schedule(Daily, &NewReportSchedule { user_ids, ..NewReportSchedule::default() });
        let unreached = press.tx(|tx| tx.report_mails().unreached(&schedule)).unwrap();
        unreached.into_iter().map(|of| (of.user, of.why)).collect::<HashMap<_, _>>()
    };
    let in_charge = [(unverified, Unreached::Unverified), (invited, Unreached::NotAccepted), (quiet, Unreached::NotWanted)];
    assert_eq!(told(vec![]), HashMap::from(in_charge), "who has left is no administrator");
    assert_eq!(told(vec![press.owner, operator, gone]), HashMap::from([(gone, Unreached::Deactivated)]));
    press.schedule(Daily, &NewReportSchedule { user_ids: vec![press.owner, operator], ..NewReportSchedule::default() });
    press.scene.db.execute(&format!("UPDATE users SET role = 'viewer' WHERE id = '{operator}'"));
    let schedule = press.tx(|tx| tx.report_schedules().find_by_kind(Daily)).unwrap().unwrap();
    let unreached = press.tx(|tx| tx.report_mails().unreached(&schedule)).unwrap();
    assert_eq!(unreached.iter().map(|of| (of.user, of.why)).collect::<Vec<_>>(), [(operator, Unreached::Role)]);
}

#[test]
fn what_two_say_of_a_schedule_at_once_is_all_kept() {
    let press = Press::new();
    let set = |patch: &ReportSchedulePatch| press.tx(|tx| tx.report_schedules().patch_by_kind(Daily, patch));
    let says = [
        ReportSchedulePatch { hour: Some(3), ..ReportSchedulePatch::default() },
        ReportSchedulePatch { user_ids: Some(vec![press.owner]), ..ReportSchedulePatch::default() },
        ReportSchedulePatch { is_active: Some(false), ..ReportSchedulePatch::default() },
    ];
    for _ in 0..8 {
        at_once(3, |nth| set(&says[nth]).unwrap());
        let row = press.tx(|tx| tx.report_schedules().find_by_kind(Daily)).unwrap().unwrap();
        assert_eq!((row.hour, row.user_ids, row.is_active), (3, vec![press.owner], false));
        press.tx(|tx| tx.report_schedules().delete(Daily)).unwrap();
    }
}

#[test]
fn schedule_changes_whose_reader_may_not_see_reports_any_more() {
    let press = Press::new();
    let operator = member(&press, "operator", "operator", true, true, None);
    let set = |patch: &ReportSchedulePatch| press.tx(|tx| tx.report_schedules().patch_by_kind(Daily, patch));
    let to = |ids: &[UserId]| ReportSchedulePatch { user_ids: Some(ids.to_vec()), ..ReportSchedulePatch::default() };
    assert_eq!(set(&to(&[operator])).unwrap().hour, 7);
    press.scene.db.execute(&format!("UPDATE users SET role = 'viewer' WHERE id = '{operator}'"));
    let off = ReportSchedulePatch { is_active: Some(false), hour: Some(6), user_ids: None };
    let row = set(&off).unwrap();
    assert_eq!((row.is_active, row.hour, row.user_ids), (false, 6, vec![operator]));
    assert_eq!(refused(set(&to(&[operator]))).0, "user_ids");
    let hour = ReportSchedulePatch { hour: Some(24), ..ReportSchedulePatch::default() };
    assert_eq!(refused(set(&hour)).0, "hour");
}

#[test]
fn report_goes_to_the_users_that_are_named() {
    let press = Press::new();
    let operator = member(&press, "operator", "operator", true, true, None);
    let viewer = member(&press, "viewer", "viewer", true, true, None);
    let named = |user_ids: &[UserId]| NewReportSchedule { user_ids: user_ids.to_vec(), ..NewReportSchedule::default() };
    let set = |ids: &[UserId]| press.tx(|tx| tx.report_schedules().upsert_by_kind(Daily, &named(ids)));
    let rule = "must be users whose role may see reports".to_owned();
    assert_eq!(refused(set(&[viewer])), ("user_ids".to_owned(), rule));
    let strange = Business::onboard(&press.scene.db.store, "Another").user(&press.scene.db.store);
    assert_eq!(refused(set(&[strange])), ("user_ids".to_owned(), "must be an existing user".to_owned()));
    assert_eq!(
        refused(set(&vec![operator; 51].iter().map(|_| UserId::new(uuid::Uuid::now_v7())).collect::<Vec<_>>())).1,
        "must be 50 users at the most"
    );
    assert_eq!(set(&[operator, operator]).unwrap().user_ids, [operator]);
    press.be("2026-11-24 07:00");
    assert_eq!((press.jobs(), press.mail()), (ONE, SENT));
    assert_eq!(press.told(), ["operator@example.com"]);
    let bad_hour = press.tx(|tx| tx.report_schedules().upsert_by_kind(Daily, &NewReportSchedule { hour: 24, ..named(&[]) }));
    assert_eq!(refused(bad_hour), ("hour".to_owned(), "must be between 0 and 23".to_owned()));
}

#[test]
fn whoever_is_to_get_none_any_more_gets_none() {
    let cases = [
        (
            "UPDATE users SET is_active = false WHERE email = 'ann@example.com'",
            "the recipient was deactivated before it was sent",
        ),
        (
            "UPDATE users SET email = 'eve@example.com' WHERE email = 'ann@example.com'",
            "the recipient has another address by now",
        ),
        ("UPDATE users SET email_verified = false", "the recipient's address is not verified"),
        ("UPDATE users SET role = 'operator'", "the recipient was not to get reports any more before it was sent"),
        ("", "the recipient no longer wanted mails before it was sent"),
    ];
    for (change, why) in cases {
        let press = Press::waiting();
        match change {
            "" => press.prefer(press.owner, false),
            change => press.scene.db.execute(change),
        }
        assert_eq!(press.mail(), ReportMailPass { failed: 1, ..ReportMailPass::default() }, "{change}");
        assert_eq!(press.fate(), (ReportMailStatus::Failed, why.to_owned()));
        assert!(press.told().is_empty());
    }
}

#[test]
fn suspended_business_waits_and_one_switched_off_is_not_mailed() {
    let press = Press::new();
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    press.scene.business.suspend(&press.scene.db, true);
    assert_eq!(press.jobs(), NOTHING);
    press.scene.business.suspend(&press.scene.db, false);
    // Made a job, and switched off before the report is made: it is made, and mailed to nobody.
    let due = JobWorker::new(press.scene.db.store.clone(), JobWorkerConfig::default());
    due.stop();
    assert_eq!(due.pass().unwrap(), NOTHING, "a worker that stops begins nothing");
    assert_eq!(press.jobs(), ONE);
    press.schedule(Daily, &NewReportSchedule { is_active: false, ..NewReportSchedule::default() });
    let again = json!({"type": "daily", "first_day": "2026-11-22", "mail": true});
    press.tx(|tx| tx.jobs().create(&NewJob::now(JobType::ReportGeneration, again.clone()))).unwrap();
    assert_eq!(press.jobs().worked, 1);
    assert_eq!((press.reports().len(), press.mails().len()), (2, 1));
    assert_eq!(press.job_rows()[0].result.as_ref().unwrap()["mails"], 0);
}

#[test]
fn names_that_want_to_be_markup_or_headers_are_words() {
    let press = Press::waiting();
    press.scene.db.execute("DELETE FROM report_mails; DELETE FROM analytics_reports; DELETE FROM report_schedules");
    press.scene.db.execute(
        "UPDATE tenants SET business_name = E'<b>Joe</b>\\r\\nBcc: eve@example.com'; UPDATE users SET first_name = E'<i>A\\nB'",
    );
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-25 07:00");
    assert_eq!((press.jobs(), press.mail()), (ONE, SENT));
    let mail = press.smtp.taken().remove(0);
    assert_eq!((mail.to.as_slice(), mail.header("Bcc")), (&["ann@example.com".to_owned()][..], None));
    let text = plain(&mail);
    assert!(text.contains("Report of <b>Joe</b> Bcc: eve"), "{text}");
    assert!(text.contains("Hello <i>A B,") && text.contains("Hello &lt;i&gt;A B,"), "{text}");
    let html = text.split("<!DOCTYPE html>").nth(1).unwrap();
    assert!(html.contains("&lt;b&gt;Joe&lt;/b&gt;") && !html.contains("<b>Joe"), "{html}");
}

#[test]
fn job_that_means_nothing_fails_at_once() {
    let press = Press::new();
    let cases = [
        (json!({}), "type must be daily, weekly, monthly or custom"),
        (json!({"type": "daily", "first_day": "yesterday"}), "first_day must be a day like 2026-11-29"),
        (json!({"type": "custom", "first_day": "2026-11-01"}), "last_day must be a day like 2026-11-29"),
        (json!({"type": "daily", "first_day": "2026-12-24"}), "first_day must have begun"),
    ];
    for (parameters, why) in cases {
        press.tx(|tx| tx.jobs().create(&NewJob::now(JobType::ReportGeneration, parameters.clone()))).unwrap();
        assert_eq!(press.jobs(), JobPass { failed: 1, ..NOTHING });
        let job = press.job_rows().remove(0);
        assert_eq!((job.status, job.attempts, job.error_message.as_deref()), (JobStatus::Failed, 1, Some(why)));
        press.scene.tick();
    }
    let custom = json!({"type": "custom", "first_day": "2026-11-01", "last_day": "2026-11-10"});
    press.tx(|tx| tx.jobs().create(&NewJob::now(JobType::ReportGeneration, custom.clone()))).unwrap();
    assert_eq!((press.jobs().worked, press.days()), (1, vec!["custom 2026-11-01".to_owned()]));
}

#[test]
fn report_waits_until_figures_are_computed() {
    let press = Press::new();
    press.scene.db.execute("UPDATE analytics_roll_ups SET rebuild_before = '2999-01-01'");
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    assert_eq!(press.jobs(), JobPass { scheduled: 1, put_back: 1, ..NOTHING });
    let job = press.job_rows().remove(0);
    let why = "the figures of the business are being computed; try again in a moment";
    assert_eq!((job.status, job.attempts, job.error_message.as_deref()), (JobStatus::Pending, 1, Some(why)));
    roll_up_all(&press.scene.db.store).unwrap();
    assert_eq!(press.jobs(), NOTHING, "after a pause");
    press.scene.clock.advance(TimeDelta::seconds(13));
    assert_eq!(press.jobs(), JobPass { worked: 1, ..NOTHING });
    assert_eq!(press.days(), ["daily 2026-11-23"]);
    // It does not wait for ever.
    press.scene.db.execute(
        "UPDATE analytics_roll_ups SET rebuild_before = '2999-01-01';
         UPDATE analytics_processing_jobs SET status = 'pending', completed_at = NULL, attempts = max_attempts - 1, next_attempt_at = '2026-11-24'",
    );
    assert_eq!(press.jobs(), JobPass { failed: 1, ..NOTHING });
    assert_eq!((press.job_rows()[0].status, press.job_rows()[0].error_message.as_deref()), (JobStatus::Failed, Some(why)));
}

#[test]
fn rebuild_is_a_job_that_tells_how_far_it_is() {
    let press = Press::new();
    let tenant = press.scene.business.tenant.id();
    press.scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
         SELECT '{tenant}', '+15550100001', '+15550199999', 'inbound', 'no-answer', 'missed', at, at
         FROM generate_series('2026-06-15'::timestamptz, '2026-11-15', interval '1 month') AS at"
    ));
    roll_up_all(&press.scene.db.store).unwrap();
    press.scene.tick();
    press.tx(|tx| tx.rebuild_figures().and_then(|()| tx.rebuild_figures())).unwrap();
    assert_eq!(press.job_rows().len(), 1, "one is open");
    let mut told = Vec::new();
    while press.job_rows()[0].status == JobStatus::Pending {
        assert_eq!(press.jobs().worked, 1);
        told.push(press.job_rows()[0].progress);
        assert!(told.len() < 20, "{told:?}");
    }
    assert!(told.len() >= 7 && told.is_sorted() && told[0] < 40 && told[2] > told[0], "{told:?}");
    let job = press.job_rows().remove(0);
    assert_eq!((job.status, job.progress, job.attempts, job.result), (JobStatus::Completed, 100, 1, Some(json!({"formula": 2}))));
    // Key figures and trends are computed with the figures.
    for kind in [JobType::Aggregation, JobType::KpiCalculation, JobType::TrendAnalysis] {
        press.scene.tick();
        press.tx(|tx| tx.jobs().create(&NewJob::now(kind, json!({})))).unwrap();
        assert_eq!(press.jobs().worked, 1);
        assert!(press.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().is_rebuilding());
        while press.job_rows()[0].status == JobStatus::Pending {
            press.jobs();
        }
        assert_eq!(press.job_rows()[0].status, JobStatus::Completed);
    }
}

#[test]
fn rebuild_that_is_canceled_before_it_begins_is_not_done() {
    let press = Press::new();
    roll_up_all(&press.scene.db.store).unwrap();
    press.tx(|tx| tx.rebuild_figures()).unwrap();
    let canceled = press.job_rows()[0].id;
    press.tx(|tx| tx.jobs().cancel(canceled, "no more")).unwrap();
    let is_rebuilding = || press.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().is_rebuilding();
    assert_eq!((press.jobs(), is_rebuilding()), (NOTHING, false));
    press.scene.tick();
    press.tx(|tx| tx.rebuild_figures()).unwrap();
    assert_eq!(press.jobs().worked, 1);
    let begun = press.job_rows().into_iter().find(|job| job.id != canceled).unwrap();
    assert_eq!(begun.status, JobStatus::Pending, "between two of its parts");
    let late = press.tx(|tx| tx.jobs().cancel(begun.id, "no more"));
    assert!(matches!(late, Err(Error::InvalidTransition { from: "processing", .. })), "{late:?}");
}

#[test]
fn one_job_of_a_type_and_bucket_is_open() {
    let press = Press::new();
    let new = NewJob { bucket: Some("2026-11-23".to_owned()), ..NewJob::now(JobType::ReportGeneration, json!({})) };
    let first = press.tx(|tx| tx.jobs().create(&new)).unwrap();
    let taken = ("bucket".to_owned(), "is that of a job that is open already".to_owned());
    assert_eq!(refused(press.tx(|tx| tx.jobs().create(&new))), taken);
    assert_eq!(press.tx(|tx| tx.jobs().insert_if_missing(&new)).unwrap(), None);
    let other = NewJob { job_type: JobType::Aggregation, ..new.clone() };
    assert!(press.tx(|tx| tx.jobs().insert_if_missing(&other)).unwrap().is_some());
    press.tx(|tx| tx.jobs().cancel(first.id, "no more")).unwrap();
    assert!(press.tx(|tx| tx.jobs().insert_if_missing(&new)).unwrap().is_some());
    assert_eq!(refused(press.tx(|tx| tx.jobs().retry(first.id))), taken);
}

#[test]
fn other_tenants_schedule_and_mails_are_not_seen() {
    let press = Press::waiting();
    let other = Business::onboard(&press.scene.db.store, "Another");
    let seen = press.scene.db.store.tenant(&other.tenant, |tx| {
        let mails = tx.report_mails().list(&ReportMailFilter::default(), PageRequest::first())?.items.len();
        Ok((tx.report_schedules().list()?.len(), mails, tx.report_schedules().find_by_kind(Daily)?))
    });
    assert_eq!(seen.unwrap(), (0, 0, None));
    assert!(press.scene.db.store.tenant(&other.tenant, |tx| tx.report_schedules().delete(Daily)).is_err());
    let mails = |status| {
        let filter = ReportMailFilter { status: Some(status), ..ReportMailFilter::default() };
        press.tx(|tx| tx.report_mails().list(&filter, PageRequest::first())).unwrap().items.len()
    };
    assert_eq!((mails(ReportMailStatus::Waiting), mails(ReportMailStatus::Sent)), (1, 0));
    assert_eq!((press.mail(), mails(ReportMailStatus::Sent)), (SENT, 1));
}

#[test]
fn look_costs_little_and_a_report_no_more_for_more_readers() {
    let press = Press::new();
    let store = &press.scene.db.store;
    let trips = |work: &dyn Fn(&Store)| press.scene.db.round_trips(|store| work(store)).len();
    let jobs = |store: &Store| JobWorker::new(store.clone(), JobWorkerConfig::default()).pass().unwrap();
    let mailer = |store: &Store| ReportMailer::new(store.clone(), None, None, ReportMailerConfig::default()).pass().unwrap();
    assert_eq!(trips(&|store| assert_eq!(jobs(store), NOTHING)), 6, "two questions, each in a transaction");
    assert_eq!(trips(&|store| assert_eq!(mailer(store), ReportMailPass::default())), 3);
    let report = || {
        press.schedule(Daily, &NewReportSchedule::default());
        press.scene.db.execute("UPDATE report_schedules SET next_due_at = now(), last_period_start = NULL");
        roll_up_all(store).unwrap();
        trips(&|store| assert_eq!(jobs(store), ONE))
    };
    let one = report();
    for at in 0..30 {
        member(&press, &format!("admin{at}"), "admin", true, true, None);
    }
    assert_eq!((report(), press.mails().len()), (one, 1 + 31));
    assert!(one < 45, "{one}");
}

#[test]
fn report_that_nobody_may_get_is_made_and_mailed_to_nobody() {
    let press = Press::new();
    press.scene.db.execute("UPDATE users SET email_verified = false");
    press.schedule(Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    assert_eq!(press.jobs(), ONE);
    assert_eq!((press.reports().len(), press.job_rows()[0].result.as_ref().unwrap()["mails"].clone()), (1, json!(0)));
}
