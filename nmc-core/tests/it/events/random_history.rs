//! Whatever happens in a business, its stream tells of it.

use crate::support::Scene;
use nmc_core::calls::CallPatch;
use nmc_core::conversations::{ConversationFilter, ConversationPatch, NewConsent, Worker, WorkerConfig};
use nmc_core::telephony::{Pace, SmsSender};
use nmc_core::testing::{FakeSms, SmsForm, TestDb, VoiceForm, unique_sid};
use nmc_core::workflows::{NewReply, receive_text, record_delivery, record_voice_status, resolve_idle};
use nmc_core::{
    CallOutcome, CallStatus, ConsentAction, ConsentSource, ConversationId, ConversationPriority, PageRequest, Patch, PhoneNumber,
    Result,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;

/// One thing that happens, between the business and one of its customers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Call(&'static str),
    CallAgain,
    Text(&'static str),
    Reply,
    /// To a conversation that may have ended.
    Answer,
    Reopen,
    Send,
    Delivered(&'static str),
    Assign,
    Status,
    Urgent,
    Tag,
    Name,
    Note,
    OptIn,
    Outcome,
    Correct,
    Days(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::sample::select(vec!["ringing", "no-answer", "completed", "canceled"]).prop_map(Step::Call),
        Just(Step::CallAgain),
        prop::sample::select(vec!["It drips", "STOP", "please stop the noise", "HELP", "START"]).prop_map(Step::Text),
        Just(Step::Reply),
        Just(Step::Answer),
        Just(Step::Reopen),
        Just(Step::Send),
        prop::sample::select(vec!["sent", "delivered", "undelivered"]).prop_map(Step::Delivered),
        Just(Step::Assign),
        Just(Step::Status),
        Just(Step::Urgent),
        Just(Step::Tag),
        Just(Step::Name),
        Just(Step::Note),
        Just(Step::OptIn),
        Just(Step::Outcome),
        Just(Step::Correct),
        (1_i64..20).prop_map(Step::Days),
    ]
}

struct History {
    scene: Scene,
    sms: Arc<FakeSms>,
    last_call: Option<VoiceForm>,
}

impl History {
    fn conversation(&self, customer: &PhoneNumber) -> ConversationId {
        self.scene.business.conversation_with(&self.scene.db.store, customer)
    }

    /// Does it, if it can be done now; a refusal is a step, too.
    fn take(&mut self, step: Step, customer: &PhoneNumber) {
        let (store, business) = (self.scene.db.store.clone(), self.scene.business.clone());
        self.scene.tick();
        let staff = self.scene.staff;
        let in_conversation = |history: &Self, work: &dyn Fn(&mut nmc_core::TenantTx<'_>, ConversationId) -> Result<()>| {
            let id = history.conversation(customer);
            drop(history.scene.tx_as(staff, |tx| work(tx, id)));
        };
        let in_first = |history: &Self, work: &dyn Fn(&mut nmc_core::TenantTx<'_>, ConversationId) -> Result<()>| {
            let of_customer =
                ConversationFilter { customer: Some(customer.as_str().parse().unwrap()), ..ConversationFilter::default() };
            let all = history.scene.tx(|tx| tx.conversations().list(&of_customer, PageRequest::first())).unwrap().items;
            if let Some(first) = all.last() {
                drop(history.scene.tx_as(staff, |tx| work(tx, first.id)));
            }
        };
        match step {
            Step::Call(status) => {
                let form = VoiceForm::missed(customer.as_str(), &business.number, &unique_sid("CA")).with("CallStatus", status);
                record_voice_status(&store, &form.parse()).unwrap();
                self.last_call = Some(form);
            }
            Step::CallAgain => {
                if let Some(form) = self.last_call.clone() {
                    let form = form.with("CallStatus", "completed").with("CallDuration", "30");
                    record_voice_status(&store, &form.parse()).unwrap();
                }
            }
            Step::Text(body) => {
                receive_text(&store, &SmsForm::text(customer.as_str(), &business.number, body).parse()).unwrap();
            }
            Step::Reply => drop(business.queue(&store, customer, "We come at 9")),
            Step::Answer => in_first(self, &|tx, conversation| {
                let (client_key, body) = (unique_sid("CK"), "We come at 9".to_owned());
                tx.reply(&NewReply { conversation, client_key, body, from_number: None, seen: None }).map(drop)
            }),
            Step::Reopen => in_first(self, &|tx, id| tx.conversations().reopen(id).map(drop)),
            Step::Send => {
                let sender: Arc<dyn SmsSender> = self.sms.clone();
                let config = WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() };
                Worker::new(store, sender, config).pass().unwrap();
            }
            Step::Delivered(status) => {
                let Some(taken) = self.sms.taken().into_iter().next_back() else { return };
                let to: PhoneNumber = taken.text.1.parse().unwrap();
                let report = SmsForm::delivery(&business.number, &to, &taken.sid, status).parse_delivery(None);
                record_delivery(&store, &report).unwrap();
            }
            Step::Assign => in_conversation(self, &|tx, id| tx.conversations().assign(id, Some(staff)).map(drop)),
            Step::Status => in_conversation(self, &|tx, id| tx.conversations().resolve(id).map(drop)),
            Step::Urgent => {
                in_conversation(self, &|tx, id| tx.conversations().set_priority(id, ConversationPriority::Urgent).map(drop))
            }
            Step::Tag => in_conversation(self, &|tx, id| tx.conversations().add_tag(id, "leak").map(drop)),
            Step::Name => in_conversation(self, &|tx, id| {
                let patch = ConversationPatch { customer_name: Patch::Set("Ann".to_owned()), ..ConversationPatch::default() };
                tx.conversations().update(id, &patch).map(drop)
            }),
            Step::Note => in_conversation(self, &|tx, id| tx.conversations().add_note(id, "a note")),
            Step::OptIn => drop(self.scene.tx_as(staff, |tx| {
                tx.consents().record(&NewConsent {
                    customer_phone: customer.clone(),
                    action: ConsentAction::OptIn,
                    source: ConsentSource::Staff,
                    keyword: None,
                    message_id: None,
                    note: Some("asked for it".to_owned()),
                })
            })),
            Step::Outcome => self.of_last_call(&|tx, id| tx.calls().set_outcome(id, CallOutcome::Blocked).map(drop)),
            Step::Correct => self.of_last_call(&|tx, id| {
                let patch = CallPatch { caller_city: Patch::Set("Springfield".to_owned()), ..CallPatch::default() };
                tx.calls().update(id, &patch)?;
                tx.calls().set_status(id, CallStatus::Completed).map(drop)
            }),
            Step::Days(days) => {
                self.scene.clock.advance(chrono::TimeDelta::days(days));
                resolve_idle(&store, 100).unwrap();
            }
        }
    }

    fn of_last_call(&self, work: &dyn Fn(&mut nmc_core::TenantTx<'_>, nmc_core::CallId) -> Result<()>) {
        let Some((_, sid)) = self.last_call.as_ref().and_then(|form| form.0.iter().find(|(name, _)| name == "CallSid")) else {
            return;
        };
        let call = self.scene.tx(|tx| tx.calls().find_by_sid(sid)).unwrap().unwrap().id;
        drop(self.scene.tx(|tx| work(tx, call)));
    }
}

/// Rows of whose beginning no event tells.
fn unborn(db: &TestDb) -> Vec<String> {
    let of = |table: &str, subject: &str| {
        format!(
            "SELECT '{table} ' || t.id FROM {table} t WHERE NOT EXISTS (
                 SELECT FROM stream_events e WHERE e.tenant_id = t.tenant_id AND e.kind = '{subject}.created' AND e.subject_id = t.id)"
        )
    };
    let tables = [of("calls", "call"), of("conversations", "conversation"), of("messages", "message")];
    db.query(&tables.join(" UNION ALL "))
}

/// Rows whose last change no event of its transaction tells of. (A text that is claimed at the moment would be one: nobody sees that.)
fn untold(db: &TestDb) -> Vec<String> {
    let of = |table: &str, subject: &str| {
        format!(
            "SELECT '{table} ' || t.id FROM {table} t WHERE NOT EXISTS (
                 SELECT FROM stream_events e WHERE e.tenant_id = t.tenant_id AND e.kind LIKE '{subject}.%'
                 AND e.subject_id = t.id AND e.xmin = t.xmin)"
        )
    };
    let tables = [of("calls", "call"), of("conversations", "conversation"), of("messages", "message")];
    db.query(&tables.join(" UNION ALL "))
}

#[test]
fn every_change_of_a_random_history_is_told() {
    let scene = Scene::new();
    let customers: Vec<PhoneNumber> = (0..3).map(|_| nmc_core::testing::unique_phone()).collect();
    let history = std::cell::RefCell::new(History { scene, sms: Arc::new(FakeSms::new()), last_call: None });
    let mut runner = TestRunner::new(Config { cases: 12, max_shrink_iters: 0, failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec((step(), 0_usize..3), 25);
    let ran = runner.run(&steps, |steps| {
        let mut history = history.borrow_mut();
        for (step, customer) in &steps {
            history.take(*step, &customers[*customer]);
            let untold = untold(&history.scene.db);
            prop_assert_eq!(untold, Vec::<String>::new(), "after {:?} of {:?}", step, steps);
        }
        Ok(())
    });
    ran.unwrap();
    let db = &history.borrow().scene.db;
    assert_eq!(unborn(db), Vec::<String>::new(), "each row's beginning is told");
    let gaps: Vec<bool> = db.query(
        "SELECT count(*) = max(e.seq) AND min(e.seq) = 1 AND max(e.seq) = max(s.seq) AS whole
         FROM stream_events e JOIN tenant_streams s USING (tenant_id) GROUP BY e.tenant_id",
    );
    assert_eq!(gaps, [true], "numbered from 1 without a gap");
    let kinds: Vec<i64> = db.query("SELECT count(DISTINCT kind) FROM stream_events");
    assert!(kinds[0] >= 8, "a busy history: {kinds:?}");
}
