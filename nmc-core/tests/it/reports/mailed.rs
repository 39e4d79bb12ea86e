//! In which order reports are mailed, and to whom at the last moment.

use super::scheduled::{Press, member};
use nmc_core::analytics::NewReportSchedule;
use nmc_core::delivery::{Mail, MailError, MailReceipt, MailSender};
use nmc_core::people::UserPatch;
use nmc_core::testing::Business;
use nmc_core::workflows::{JobPass, ReportMailPass, ReportMailer, ReportMailerConfig, roll_up_all};
use nmc_core::{ReportInterval, Store, Tenant, UserId};
use std::sync::{Arc, Mutex};

/// A mail server that takes everything, and during whose first mail somebody leaves.
struct Server {
    told: Mutex<Vec<String>>,
    leaves: Mutex<Option<(Store, Tenant, UserId)>>,
}

impl MailSender for Server {
    fn send(&self, mail: &Mail<'_>) -> Result<MailReceipt, MailError> {
        self.told.lock().unwrap().push(mail.to.to_string());
        if let Some((store, tenant, user)) = self.leaves.lock().unwrap().take() {
            let gone = UserPatch { is_active: Some(false), ..UserPatch::default() };
            store.tenant(&tenant, |tx| tx.users().update(user, &gone)).unwrap();
        }
        Ok(MailReceipt { said: String::new() })
    }
}

impl Press {
    /// Mails what waits; what was mailed, and to whom in which order.
    fn mail_by(&self, leaves: Option<(Store, Tenant, UserId)>) -> (ReportMailPass, Vec<String>) {
        let server = Arc::new(Server { told: Mutex::default(), leaves: Mutex::new(leaves) });
        let config = ReportMailerConfig::default();
        let pass = ReportMailer::new(self.scene.db.store.clone(), Some(server.clone()), None, config).pass().unwrap();
        let told = server.told.lock().unwrap().clone();
        (pass, told)
    }
}

#[test]
fn reader_who_leaves_while_another_is_mailed_gets_none() {
    let press = Press::new();
    let bob = member(&press, "bob", "admin", true, true, None);
    press.schedule(ReportInterval::Daily, &NewReportSchedule::default());
    press.be("2026-11-24 07:00");
    press.jobs();
    let (pass, told) = press.mail_by(Some((press.scene.db.store.clone(), press.scene.business.tenant, bob)));
    assert_eq!((pass, told), (ReportMailPass { sent: 1, failed: 1, put_back: 0 }, vec!["ann@example.com".to_owned()]));
    assert!(press.fates().contains(&"the recipient was deactivated before it was sent".to_owned()));
}

#[test]
fn businesses_take_turns_with_mails_of_reports() {
    let press = Press::new();
    let store = &press.scene.db.store;
    let other = Business::onboard(store, "Another");
    for name in ["yan", "zoe"] {
        let user = other.user(store);
        press.scene.db.execute(&format!("UPDATE users SET role = 'admin', email = '{name}@other.com' WHERE id = '{user}'"));
    }
    press.scene.db.execute("UPDATE tenants SET timezone = 'America/New_York'");
    roll_up_all(store).unwrap();
    member(&press, "bob", "admin", true, true, None);
    press.schedule(ReportInterval::Daily, &NewReportSchedule::default());
    store
        .tenant(&other.tenant, |tx| tx.report_schedules().upsert_by_kind(ReportInterval::Daily, &NewReportSchedule::default()))
        .unwrap();
    press.be("2026-11-24 07:00");
    assert_eq!(press.jobs(), JobPass { scheduled: 2, worked: 2, put_back: 0, failed: 0 });
    let (pass, told) = press.mail_by(None);
    assert_eq!((pass.sent, told.len()), (4, 4));
    let of_other: Vec<bool> = told.iter().map(|to| to.ends_with("@other.com")).collect();
    assert!(of_other[0] != of_other[1] && of_other[2] != of_other[3], "{told:?}");
}
