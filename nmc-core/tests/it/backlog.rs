//! What operators see of the queues.

use crate::support::{Scene, all_pages};
use chrono::TimeDelta;
use nmc_core::analytics::NewJob;
use nmc_core::store::Reason;
use nmc_core::testing::{Business, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::workflows::{Backlog, Queue, Queued, Stage};
use nmc_core::{Clock as _, JobType, MessageId};
use serde_json::json;

impl Scene {
    /// A caller is missed, and the text to them waits.
    fn text_waits(&self, business: &Business) -> MessageId {
        self.tick();
        let call = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA"));
        record_voice_status(&self.db.store, &call.parse()).unwrap().greeting.expect("a text")
    }

    fn text_fails(&self, id: MessageId, ago: TimeDelta) {
        let at = self.clock.now() - ago;
        self.db.execute(&format!(
            "UPDATE messages SET message_status = 'failed', error_code = 30006, next_attempt_at = NULL, updated_at = '{at}' WHERE id = '{id}'"
        ));
    }

    fn backlog(&self, queue: Queue) -> Backlog {
        self.tx(|tx| tx.backlog(queue)).unwrap()
    }

    fn queued(&self, queue: Queue, stage: Stage) -> Vec<Queued> {
        all_pages(1, |page| self.tx(|tx| tx.queued(queue, stage, page)))
    }
}

fn ids(entries: &[Queued]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

#[test]
fn backlog_counts_what_waits_and_what_failed_lately() {
    let scene = Scene::new();
    for queue in Queue::ALL {
        let nothing = Backlog { queue, waiting: 0, oldest_waiting_at: None, failed: 0, last_failed_at: None };
        assert_eq!(scene.backlog(queue), nothing);
    }
    let oldest = scene.clock.now() + TimeDelta::seconds(1);
    let texts: Vec<MessageId> = (0..4).map(|_| scene.text_waits(&scene.business)).collect();
    scene.text_fails(texts[2], TimeDelta::hours(1));
    scene.text_fails(texts[3], TimeDelta::days(8));
    let failed_at = scene.clock.now() - TimeDelta::hours(1);
    let counted = scene.backlog(Queue::Texts);
    assert_eq!((counted.waiting, counted.oldest_waiting_at), (2, Some(oldest)));
    assert_eq!((counted.failed, counted.last_failed_at), (1, Some(failed_at)), "a week back");
    scene.tx(|tx| tx.jobs().create(&NewJob::now(JobType::ALL[0], json!({})))).unwrap();
    assert_eq!(scene.backlog(Queue::Jobs).waiting, 1);
    scene.db.execute(&format!(
        "INSERT INTO message_media (tenant_id, message_id, position, media_url, status, error_message, next_attempt_at)
         SELECT tenant_id, id, place, 'https://api.twilio.com/1', state, why, due FROM messages,
             (VALUES (0, 'waiting', NULL, now()), (1, 'unavailable', 'it is gone', NULL)) AS picture (place, state, why, due)
         WHERE id = '{}'",
        texts[0]
    ));
    let pictures = scene.backlog(Queue::Pictures);
    assert_eq!((pictures.waiting, pictures.failed), (1, 1));
    assert_eq!(scene.queued(Queue::Pictures, Stage::Failed)[0].reason.as_deref(), Some("it is gone"));
}

#[test]
fn queued_entry_says_how_far_it_is_and_why_it_waits_or_failed() {
    let scene = Scene::new();
    let texts: Vec<MessageId> = (0..3).map(|_| scene.text_waits(&scene.business)).collect();
    scene.text_fails(texts[0], TimeDelta::days(30));
    let waiting = scene.queued(Queue::Texts, Stage::Waiting);
    assert_eq!(ids(&waiting), [texts[2].to_string(), texts[1].to_string()], "newest first, page by page");
    assert_eq!((waiting[0].state.as_str(), waiting[0].attempts, waiting[0].reason.as_deref()), ("queued", 0, None));
    let failed = scene.queued(Queue::Texts, Stage::Failed);
    assert_eq!(ids(&failed), [texts[0].to_string()]);
    assert!(failed[0].reason.as_ref().is_some_and(|reason| reason.contains("30006")), "{failed:?}");
    assert_eq!((failed[0].due_at, failed[0].business_name.as_str()), (None, "Joe's Plumbing"));

    let (tenant, number) = (scene.business.tenant.id(), &scene.business.number);
    let until = scene.clock.now() + TimeDelta::hours(1);
    scene.db.execute(&format!(
        "INSERT INTO number_pacing (id, tenant_id, phone_number, free_at, held_until, hold_reason) \
         VALUES (gen_random_uuid(), '{tenant}', '{number}', '{until}', '{until}', 'the number is not registered')"
    ));
    let held = scene.queued(Queue::Texts, Stage::Waiting);
    assert_eq!((held[0].due_at, held[0].reason.as_deref()), (Some(until), Some("the number is not registered")));
    scene.clock.advance(TimeDelta::hours(2));
    assert_eq!(scene.queued(Queue::Texts, Stage::Waiting)[0].reason, None, "the hold is over");
}

#[test]
fn queues_of_one_business_show_nothing_of_another() {
    let scene = Scene::new();
    let rival = Business::onboard(&scene.db.store, "Rival Rooter");
    scene.db.fill_every_table(rival.tenant.id());
    let (ours, theirs) = (scene.text_waits(&scene.business), scene.text_waits(&rival));
    for queue in Queue::ALL {
        for stage in [Stage::Waiting, Stage::Failed] {
            let all = all_pages(1, |page| scene.db.store.system(Reason::Operations, |tx| tx.queued(queue, stage, page)));
            let counted = scene.db.store.system(Reason::Operations, |tx| tx.backlog(queue)).unwrap();
            if stage == Stage::Waiting {
                assert_eq!(i64::try_from(all.len()), Ok(counted.waiting), "{queue:?}");
            }
            let own = scene.queued(queue, stage);
            assert!(own.iter().all(|entry| entry.tenant_id == scene.business.tenant.id()), "{own:?}");
            assert_eq!(ids(&own), if (queue, stage) == (Queue::Texts, Stage::Waiting) { vec![ours.to_string()] } else { vec![] });
            if (queue, stage) == (Queue::Texts, Stage::Waiting) {
                assert!(ids(&all).contains(&theirs.to_string()) && ids(&all).contains(&ours.to_string()), "{all:?}");
            }
        }
    }
}
