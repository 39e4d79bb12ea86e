//! The webhooks of a number: where the provider asks what to do with a call or a text, and what it does when nobody answers.

use serde::Serialize;
use serde_json::{Value, json};

/// Twilio's own settings of a webhook, which it takes from the URL's fragment and neither sends nor signs: three more attempts
/// when the connection fails, no answer comes in time, or the answer is an error of the server's.
const RETRIES: &str = "#rc=3&rp=ct,rt,5xx";

/// The webhooks of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WebhookUrls {
    /// The URL that says how a call is answered.
    pub voice: String,
    /// The URL that is asked instead when [`Self::voice`] can't be reached.
    pub voice_fallback: String,
    /// The URL that hears how a call ended.
    pub voice_status: String,
    /// The URL that takes a text.
    pub sms: String,
    /// The URL that takes a text instead when [`Self::sms`] can't be reached.
    pub sms_fallback: String,
}

/// The URLs at which the platform hears of what it has at the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallbackUrls {
    /// The webhooks that the platform's numbers are given.
    pub numbers: WebhookUrls,
    /// The URL that hears what became of a text; the text's id is added, as `?message=`.
    pub delivery: String,
}

impl WebhookUrls {
    /// The webhooks of a platform that is asked about calls at `voice` and about texts at `sms`, and hears how a call ended at
    /// `voice_status`. The fallbacks are the same places once more: a restart of the server outlasts the attempts at the first.
    #[must_use]
    pub fn new(voice: &str, voice_status: &str, sms: &str) -> Self {
        let at = |url: &str| format!("{url}{RETRIES}");
        Self { voice: at(voice), voice_fallback: at(voice), voice_status: at(voice_status), sms: at(sms), sms_fallback: at(sms) }
    }

    /// The document that a row keeps.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "voice": self.voice, "voice_fallback": self.voice_fallback, "voice_status": self.voice_status,
            "sms": self.sms, "sms_fallback": self.sms_fallback,
        })
    }

    /// Whether calls and texts of a number with `theirs` come to us. How often the provider tries, and where it turns to after
    /// that, is for the operator to choose.
    #[must_use]
    pub fn are_served_by(&self, theirs: &Self) -> bool {
        let pairs = [(&self.voice, &theirs.voice), (&self.voice_status, &theirs.voice_status), (&self.sms, &theirs.sms)];
        pairs.into_iter().all(|(ours, theirs)| place(ours) == place(theirs))
    }

    /// The webhooks that a number with `theirs` is to be given: ours, but for what an operator has set there by hand. That is a
    /// fragment on a URL of ours, and a fallback that is somewhere else than the main URL.
    #[must_use]
    pub fn over(&self, theirs: &Self) -> Self {
        Self {
            voice: main(&self.voice, &theirs.voice),
            voice_fallback: fallback(&self.voice_fallback, &theirs.voice, &theirs.voice_fallback),
            voice_status: main(&self.voice_status, &theirs.voice_status),
            sms: main(&self.sms, &theirs.sms),
            sms_fallback: fallback(&self.sms_fallback, &theirs.sms, &theirs.sms_fallback),
        }
    }
}

/// A URL of ours keeps the settings that it has; any other is replaced.
fn main(ours: &str, theirs: &str) -> String {
    let is_set = theirs.contains('#') && place(ours) == place(theirs);
    if is_set { theirs.to_owned() } else { ours.to_owned() }
}

/// A fallback that is the main URL once more is one that we have set, perhaps before the platform moved.
fn fallback(ours: &str, their_main: &str, theirs: &str) -> String {
    let is_chosen = !theirs.is_empty() && place(theirs) != place(their_main);
    if is_chosen { theirs.to_owned() } else { main(ours, theirs) }
}

/// A URL without its fragment: the part that is asked for.
fn place(url: &str) -> &str {
    url.split_once('#').map_or(url, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://nmc.example.com";

    fn webhooks(at: &str) -> WebhookUrls {
        WebhookUrls::new(&format!("{at}/voice"), &format!("{at}/voice/status"), &format!("{at}/sms"))
    }

    #[test]
    fn urls_ask_the_provider_to_try_again() {
        let ours = webhooks(HERE);
        assert_eq!(ours.voice, "https://nmc.example.com/voice#rc=3&rp=ct,rt,5xx");
        assert_eq!((&ours.voice_fallback, &ours.sms_fallback), (&ours.voice, &ours.sms));
    }

    #[test]
    fn what_an_operator_set_is_accepted_and_kept() {
        let ours = webhooks(HERE);
        let by_hand = WebhookUrls {
            voice: format!("{HERE}/voice#rc=5&rp=all"),
            voice_fallback: "https://handler.twilio.com/twiml/EH1".to_owned(),
            voice_status: format!("{HERE}/voice/status"),
            sms: format!("{HERE}/sms"),
            sms_fallback: String::new(),
        };
        assert!(ours.are_served_by(&by_hand));
        let given = ours.over(&by_hand);
        assert_eq!((&given.voice, &given.voice_fallback), (&by_hand.voice, &by_hand.voice_fallback), "kept");
        assert_eq!((&given.voice_status, &given.sms), (&ours.voice_status, &ours.sms), "filled");
        assert_eq!(given.sms_fallback, ours.sms_fallback, "filled");
        assert_eq!(ours.over(&given), given, "again changes nothing");
    }

    #[test]
    fn what_points_elsewhere_is_replaced() {
        let (ours, before) = (webhooks(HERE), webhooks("https://old.example.com"));
        assert!(!ours.are_served_by(&before));
        assert_eq!(ours.over(&before), ours, "ours from before a move, fallbacks too");
        let standby = "https://standby.example.com/voice".to_owned();
        let stood_by = WebhookUrls { voice_fallback: standby.clone(), ..before };
        assert_eq!(ours.over(&stood_by), WebhookUrls { voice_fallback: standby, ..ours.clone() }, "an operator's second server");
        assert_eq!(ours.over(&WebhookUrls::default()), ours);
    }
}
