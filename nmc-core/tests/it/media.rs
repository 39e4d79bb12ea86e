//! Pictures of texts: noted with the text, fetched, and kept.

use crate::support::Scene;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use nmc_core::access::Acting;
use nmc_core::conversations::{KeptMedia, Media, MediaKind, MediaPass, MediaWorker, MediaWorkerConfig};
use nmc_core::telephony::SmsCallback;
use nmc_core::telephony::{FetchError, FetchedMedia, MediaSource};
use nmc_core::testing::{Business, FakeTwilio, Gate, SmsForm, TwilioFault, finally, unique_phone, wait_until};
use nmc_core::twilio::TwilioMedia;
use nmc_core::workflows::{Received, erase_conversation, receive_text};
use nmc_core::{Confirmed, Error, MediaStatus, MessageId, Uploads};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF a leaking sink";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n another one";

/// A directory of uploads that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("nmc-media-test-{}", uuid::Uuid::now_v7())))
    }

    fn uploads(&self) -> Uploads {
        Uploads::new(&self.0)
    }

    /// Every file below it, by its path.
    fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &mut found);
        found.sort();
        found.iter().map(|path| path.strip_prefix(&self.0).unwrap().display().to_string()).collect()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

impl Scene {
    /// A text with these pictures.
    fn text_with(&self, urls: &[&str]) -> MessageId {
        self.take_in(&picture_form(&self.business, urls)).message
    }

    fn take_in(&self, form: &SmsForm) -> Received {
        receive_text(&self.db.store, &form.parse()).unwrap()
    }

    fn pictures(&self, of: MessageId) -> Vec<Media> {
        self.tx(|tx| tx.message_media().list(&[of])).unwrap()
    }

    fn media_worker(&self, source: Arc<dyn MediaSource>, dir: &Dir) -> MediaWorker {
        MediaWorker::new(self.db.store.clone(), source, dir.uploads(), MediaWorkerConfig::default())
    }
}

fn picture_form(business: &Business, urls: &[&str]) -> SmsForm {
    let form = SmsForm::text(unique_phone().as_str(), &business.number, "").with("NumMedia", &urls.len().to_string());
    urls.iter().enumerate().fold(form, |form, (at, url)| {
        form.with(&format!("MediaUrl{at}"), url).with(&format!("MediaContentType{at}"), "image/jpeg")
    })
}

fn twilios(twilio: &FakeTwilio) -> Arc<TwilioMedia> {
    Arc::new(TwilioMedia::new(&twilio.account()))
}

/// A source that always says the same.
struct Says(Result<FetchedMedia, FetchError>);

impl MediaSource for Says {
    fn fetch(&self, _: &str, _: usize) -> Result<FetchedMedia, FetchError> {
        self.0.clone()
    }
}

const KEPT: MediaPass = MediaPass { kept: 1, put_back: 0, unavailable: 0 };
const PUT_BACK: MediaPass = MediaPass { kept: 0, put_back: 1, unavailable: 0 };
const LOST: MediaPass = MediaPass { kept: 0, put_back: 0, unavailable: 1 };

// ------------------------------------------------------------------------------------------------ taken in

#[test]
fn a_text_of_pictures_alone_is_a_text() {
    let scene = Scene::new();
    let form = picture_form(&scene.business, &["https://api.twilio.com/b", "https://api.twilio.com/a"]).without("Body");
    let message = scene.take_in(&form).message;
    let again = scene.take_in(&form);
    assert!(again.duplicate && again.message == message);
    let pictures = scene.pictures(message);
    let told = |media: &Media| (media.position, media.media_url.clone(), media.content_type.clone(), media.status);
    let waiting = |position, url: &str| (position, url.to_owned(), Some("image/jpeg".to_owned()), MediaStatus::Waiting);
    assert_eq!(
        pictures.iter().map(told).collect::<Vec<_>>(),
        [waiting(0, "https://api.twilio.com/b"), waiting(1, "https://api.twilio.com/a")]
    );
    assert_eq!(scene.tx(|tx| tx.message_media().get(message, 1)).unwrap(), pictures[1]);
    let missing = scene.tx(|tx| tx.message_media().get(message, 2));
    assert!(matches!(missing, Err(Error::NotFound { entity: "picture" })));
}

/// NumMedia may lie, fields may come in any order, and a type may be missing.
#[test]
fn pictures_are_read_from_their_own_fields() {
    let scene = Scene::new();
    let form = SmsForm::text("+14155550123", &scene.business.number, "look").with("NumMedia", "1");
    let form = (0..12).rev().fold(form, |form, at| form.with(&format!("MediaUrl{at}"), &format!("https://api.twilio.com/{at}")));
    let form =
        form.with("MediaContentType2", &"x".repeat(200)).with("MediaUrl", "https://api.twilio.com/none").with("MediaUrlx", "x");
    let media = SmsCallback::parse(&form.0).unwrap().text.media;
    let urls: Vec<_> = media.iter().map(|media| media.url.clone()).collect();
    assert_eq!(urls, (0..12).map(|at| format!("https://api.twilio.com/{at}")).collect::<Vec<_>>());
    assert_eq!((media[2].content_type.as_ref().map(String::len), &media[3].content_type), (Some(200), &None));
    let many = (0..200).fold(form, |form, at| form.with(&format!("MediaUrl{at}"), "https://api.twilio.com/x"));
    assert_eq!(SmsCallback::parse(&many.0).unwrap().text.media.len(), 50);
    let message = scene.take_in(&many.with("MediaUrl0", &"x".repeat(5_000))).message;
    let kept = scene.pictures(message);
    assert_eq!((kept[0].media_url.len(), kept[2].content_type.as_ref().map(String::len)), (2_048, Some(100)), "cut");
}

// ------------------------------------------------------------------------------------------------ fetched and kept

#[test]
fn a_picture_outlives_its_deletion_at_twilio() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let url = twilio.keep_picture("text/plain; whatever", JPEG);
    let message = scene.text_with(&[&url]);
    let worker = scene.media_worker(twilios(&twilio), &dir);
    assert_eq!(worker.pass().unwrap(), KEPT);
    assert_eq!(worker.pass().unwrap(), MediaPass::default(), "once");
    twilio.delete_picture(&url);

    let [kept] = &scene.pictures(message)[..] else { panic!("one picture") };
    assert_eq!((kept.status, kept.content_type.as_deref()), (MediaStatus::Kept, Some("image/jpeg")), "as its bytes say");
    assert_eq!((kept.size_bytes, kept.next_attempt_at, kept.lease_owner), (i32::try_from(JPEG.len()).ok(), None, None));
    let hash = kept.content_hash.clone().unwrap();
    assert_eq!(dir.files(), [format!("media/{}/{hash}.jpg", scene.business.tenant.id())]);
    let opened = dir.uploads().open_media(&scene.business.tenant, kept).unwrap();
    assert_eq!(opened, KeptMedia { kind: MediaKind::Jpeg, bytes: JPEG.to_vec() });
}

#[test]
fn the_same_bytes_twice_are_one_file() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let urls = [JPEG, PNG, JPEG].map(|bytes| twilio.keep_picture("image/jpeg", bytes));
    let message = scene.text_with(&urls.each_ref().map(String::as_str));
    assert_eq!(scene.media_worker(twilios(&twilio), &dir).pass().unwrap().kept, 3);
    let pictures = scene.pictures(message);
    assert_eq!(pictures[0].content_hash, pictures[2].content_hash);
    assert_eq!((dir.files().len(), twilio.pictures_fetched()), (2, 3));
}

#[test]
fn a_picture_is_of_its_own_business_alone() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let rival = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let message = scene.text_with(&[&twilio.keep_picture("image/jpeg", JPEG)]);
    scene.media_worker(twilios(&twilio), &dir).pass().unwrap();
    let media = scene.pictures(message).remove(0);
    let theirs = dir.uploads().open_media(&rival.tenant, &media);
    assert!(matches!(theirs, Err(Error::NotFound { entity: "picture" })), "{theirs:?}");
    for hash in ["", "..", "../../x", &"A".repeat(64)] {
        let forged = Media { content_hash: Some(hash.to_owned()), ..media.clone() };
        assert!(dir.uploads().open_media(&scene.business.tenant, &forged).is_err(), "{hash}");
    }
}

#[test]
fn what_is_no_picture_is_refused_with_its_reason() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let large = [JPEG, &vec![0; 16 << 20]].concat();
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    for (url, reason) in [
        (twilio.keep_picture("image/jpeg", html), "it is of a kind that is not kept"),
        (twilio.keep_picture("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "it is of a kind that is not kept"),
        (twilio.keep_picture("image/jpeg", b""), "it is of a kind that is not kept"),
        (twilio.keep_picture("image/jpeg", &large), "it is too large to be kept"),
        ("https://evil.example/x".to_owned(), "its address is none of Twilio's"),
        ("http://127.0.0.1:1/x".to_owned(), "its address is none of Twilio's"),
    ] {
        let message = scene.text_with(&[&url]);
        assert_eq!(scene.media_worker(twilios(&twilio), &dir).pass().unwrap(), LOST, "{reason}");
        let lost = scene.pictures(message).remove(0);
        assert_eq!((lost.status, lost.error_message.as_deref()), (MediaStatus::Unavailable, Some(reason)));
        assert!(dir.uploads().open_media(&scene.business.tenant, &lost).is_err());
    }
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn each_fault_of_twilios_is_waited_out() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let message = scene.text_with(&[&twilio.keep_picture("image/jpeg", JPEG)]);
    let worker = scene.media_worker(twilios(&twilio), &dir);
    let faults = [
        TwilioFault::ErrorBefore,
        TwilioFault::TooMany(3_600),
        TwilioFault::Unauthorized,
        TwilioFault::DropBefore,
        TwilioFault::DropAfter,
        TwilioFault::AnswerWith(503, 20_503),
    ];
    for (fault, attempt) in faults.into_iter().zip(1..) {
        twilio.fail_with([fault]);
        assert_eq!(worker.pass().unwrap(), PUT_BACK, "{fault:?}");
        let waiting = scene.pictures(message).remove(0);
        assert_eq!((waiting.status, waiting.attempts), (MediaStatus::Waiting, attempt));
        assert!(waiting.error_message.is_some() && waiting.lease_owner.is_none());
        assert_eq!(worker.pass().unwrap(), MediaPass::default(), "not at once");
        scene.clock.advance(TimeDelta::hours(3));
    }
    assert_eq!(worker.pass().unwrap(), KEPT);
    assert_eq!(scene.pictures(message)[0].error_message, None);
}

/// A picture may be later than the text that tells of it; one that stays away is gone.
#[test]
fn a_missing_picture_is_asked_for_again_and_then_lost() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let url = twilio.keep_picture("image/jpeg", JPEG);
    twilio.delete_picture(&url);
    let message = scene.text_with(&[&url]);
    let worker = scene.media_worker(twilios(&twilio), &dir);
    for _ in 1..MediaWorkerConfig::default().gone_after {
        assert_eq!(worker.pass().unwrap(), PUT_BACK);
        scene.clock.advance(TimeDelta::hours(3));
    }
    assert_eq!(worker.pass().unwrap(), LOST);
    assert_eq!(scene.pictures(message)[0].error_message.as_deref(), Some("the provider has it no more"));
}

#[test]
fn attempts_are_bounded_and_their_waits_grow() {
    let (scene, dir) = (Scene::new(), Dir::new());
    let not_now = FetchError::NotNow { retry_after: None, reason: "Twilio answered 500".to_owned() };
    let message = scene.text_with(&["https://api.twilio.com/x"]);
    let worker = scene.media_worker(Arc::new(Says(Err(not_now))), &dir);
    let mut waits = Vec::new();
    while worker.pass().unwrap() == PUT_BACK {
        let due = scene.pictures(message)[0].next_attempt_at.unwrap();
        waits.push(due - nmc_core::Clock::now(&*scene.clock));
        scene.clock.advance(TimeDelta::hours(3));
    }
    let MediaWorkerConfig { max_attempts, backoff, .. } = MediaWorkerConfig::default();
    assert_eq!(waits.len(), usize::try_from(max_attempts - 1).unwrap());
    assert!(waits[0] >= backoff.first && waits.iter().all(|wait| *wait <= backoff.longest * 5 / 4), "{waits:?}");
    assert!(waits.is_sorted());
    assert_eq!(scene.pictures(message)[0].status, MediaStatus::Unavailable);
}

/// A full disk is no fault of the picture's.
#[test]
fn a_picture_that_cannot_be_written_waits() {
    let (scene, dir) = (Scene::new(), Dir::new());
    std::fs::write(&dir.0, "a file where the directory should be").unwrap();
    let message = scene.text_with(&["https://api.twilio.com/x"]);
    let worker = scene.media_worker(Arc::new(Says(Ok(FetchedMedia { bytes: PNG.to_vec() }))), &dir);
    for _ in 0..MediaWorkerConfig::default().max_attempts + 5 {
        assert_eq!(worker.pass().unwrap(), PUT_BACK);
        scene.clock.advance(TimeDelta::hours(3));
    }
    std::fs::remove_file(&dir.0).unwrap();
    assert_eq!(worker.pass().unwrap(), KEPT);
    assert_eq!(scene.pictures(message)[0].content_type.as_deref(), Some("image/png"));
}

/// Blocks until the test lets it go on.
#[derive(Default)]
struct Waits {
    gate: Gate,
    began: AtomicBool,
}

impl MediaSource for Waits {
    fn fetch(&self, _: &str, _: usize) -> Result<FetchedMedia, FetchError> {
        self.began.store(true, Ordering::SeqCst);
        self.gate.wait();
        Ok(FetchedMedia { bytes: JPEG.to_vec() })
    }
}

/// The first worker fetches so slowly that its lease ends; the second has the picture by then, and says what becomes of it.
#[test]
fn a_late_worker_undoes_nothing_of_anothers() {
    let (scene, dir) = (Scene::new(), Dir::new());
    let message = scene.text_with(&["https://api.twilio.com/x"]);
    let sources = [Arc::new(Waits::default()), Arc::new(Waits::default())];
    let [late, quick] = sources.each_ref().map(|source| scene.media_worker(source.clone(), &dir));
    let has_begun = |which: usize| wait_until("it is fetched", || sources[which].began.load(Ordering::SeqCst));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| late.pass());
        has_begun(0);
        assert_eq!(quick.pass().unwrap(), MediaPass::default(), "it is held");
        scene.clock.advance(MediaWorkerConfig::default().lease);
        let second = scope.spawn(|| quick.pass());
        has_begun(1);
        let held = scene.pictures(message);
        sources[0].gate.open();
        assert_eq!(first.join().unwrap().unwrap(), MediaPass::default());
        assert_eq!(scene.pictures(message), held, "as the second has it");
        sources[1].gate.open();
        assert_eq!(second.join().unwrap().unwrap(), KEPT);
    });
    assert_eq!(scene.pictures(message)[0].attempts, 2);
}

#[test]
fn a_worker_that_stops_gives_back_what_it_has_not_begun() {
    let (scene, dir) = (Scene::new(), Dir::new());
    let message = scene.text_with(&["https://api.twilio.com/x", "https://api.twilio.com/y"]);
    let worker = scene.media_worker(Arc::new(Says(Ok(FetchedMedia { bytes: JPEG.to_vec() }))), &dir);
    worker.stop();
    assert_eq!(worker.pass().unwrap(), MediaPass::default());
    worker.run();
    assert!(scene.pictures(message).iter().all(|media| (media.attempts, media.lease_owner) == (0, None)));
    let other = scene.media_worker(Arc::new(Says(Ok(FetchedMedia { bytes: JPEG.to_vec() }))), &dir);
    std::thread::scope(|scope| {
        let _stop = finally(|| other.stop());
        scope.spawn(|| other.run());
        wait_until("all are kept", || scene.pictures(message).iter().all(|media| media.status == MediaStatus::Kept));
        other.stop();
    });
}

#[test]
fn no_connection_is_held_while_a_picture_is_fetched() {
    let (scene, dir) = (Scene::new(), Dir::new());
    scene.text_with(&["https://api.twilio.com/x"]);
    let source = Arc::new(Waits::default());
    let worker = scene.media_worker(source.clone(), &dir);
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass());
        wait_until("it is fetched", || source.began.load(Ordering::SeqCst));
        let open: Vec<i64> = scene.db.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        );
        source.gate.open();
        assert_eq!(open, [0]);
        assert_eq!(pass.join().unwrap().unwrap(), KEPT);
    });
}

#[test]
fn a_slow_answer_is_cut_off_after_the_limit() {
    let twilio = FakeTwilio::start();
    let url = twilio.keep_picture("image/jpeg", JPEG);
    twilio.fail_with([TwilioFault::Slow(Duration::from_millis(50))]);
    assert_eq!(twilios(&twilio).fetch(&url, JPEG.len()).unwrap().bytes, JPEG);
    assert_eq!(twilios(&twilio).fetch(&url, JPEG.len() - 1), Err(FetchError::TooLarge));
}

#[test]
fn file_goes_with_the_last_text_that_has_it() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let [first, second] = [(); 2].map(|()| scene.text_with(&[&twilio.keep_picture("image/jpeg", JPEG)]));
    scene.media_worker(twilios(&twilio), &dir).pass().unwrap();
    let erase = |text: MessageId, uploads: &Uploads| {
        let id = scene.tx(|tx| tx.messages().get(text)).unwrap().conversation_id;
        let who = Acting::Application(scene.business.tenant);
        erase_conversation(&scene.db.store, &who, id, uploads, Confirmed::irrevocably()).map(|_| dir.files().len())
    };
    assert_eq!((dir.files().len(), erase(first, &dir.uploads()).unwrap()), (1, 1));
    let empty = Dir::new();
    std::fs::create_dir_all(&empty.0).unwrap();
    for uploads in [Uploads::new("/nonexistent"), empty.uploads()] {
        let elsewhere = erase(second, &uploads);
        assert!(matches!(elsewhere, Err(Error::Unavailable { .. })), "the picture would stay: {elsewhere:?}");
    }
    assert_eq!(erase(second, &dir.uploads()).unwrap(), 0);
}

/// The last text that had the picture goes after the worker has found its file there, and before it notes that another text has it.
#[test]
fn file_that_went_with_another_text_is_written_again() {
    let (scene, dir, twilio) = (Scene::new(), Dir::new(), FakeTwilio::start());
    let text = scene.text_with(&[&twilio.keep_picture("image/jpeg", JPEG)]);
    let worker = scene.media_worker(twilios(&twilio), &dir);
    let mut deleting = scene.db.superuser();
    deleting.batch_execute("BEGIN; SELECT FROM tenants FOR NO KEY UPDATE").unwrap();
    std::thread::scope(|scope| {
        let pass = scope.spawn(|| worker.pass().unwrap());
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until("the worker waits to note it", || scene.db.query::<i64>(waits) == [1]);
        assert_eq!(dir.files().len(), 1);
        std::fs::remove_dir_all(&dir.0).unwrap();
        deleting.batch_execute("COMMIT").unwrap();
        pass.join().unwrap();
    });
    let [picture] = &scene.pictures(text)[..] else { panic!("one picture") };
    assert_eq!(dir.uploads().open_media(&scene.business.tenant, picture).unwrap().bytes, JPEG);
}
