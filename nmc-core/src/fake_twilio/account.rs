//! What has become of the account's numbers, and what becomes of them without our doing.

use super::numbers::Number;
use super::{FakeTwilio, new_sid};
use crate::PhoneNumber;

/// A phone number of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedTwilioNumber {
    /// The number's SID.
    pub sid: String,
    /// The number, in E.164.
    pub phone_number: String,
    /// The name of the number.
    pub friendly_name: String,
    /// The URL that Twilio asks what to do with a call; empty when there is none.
    pub voice_url: String,
    /// The URL that Twilio asks when `voice_url` fails; empty when there is none.
    pub voice_fallback_url: String,
    /// The URL that Twilio gives a text; empty when there is none.
    pub sms_url: String,
    /// The URL that Twilio gives a text when `sms_url` fails; empty when there is none.
    pub sms_fallback_url: String,
    /// The URL that Twilio tells how a call ended; empty when there is none.
    pub status_callback: String,
}

impl FakeTwilio {
    /// The numbers of the account, oldest first.
    #[must_use]
    pub fn owned(&self) -> Vec<OwnedTwilioNumber> {
        let owned = |number: &Number| OwnedTwilioNumber {
            sid: number.sid.clone(),
            phone_number: number.phone_number.to_string(),
            friendly_name: number.friendly_name.clone(),
            voice_url: number.setting("voice_url").to_owned(),
            voice_fallback_url: number.setting("voice_fallback_url").to_owned(),
            sms_fallback_url: number.setting("sms_fallback_url").to_owned(),
            sms_url: number.setting("sms_url").to_owned(),
            status_callback: number.setting("status_callback").to_owned(),
        };
        self.server.state().numbers.owned().map(owned).collect()
    }

    /// The account has this number too, without our doing; `None` gives it a SID. Returns that.
    ///
    /// # Panics
    /// When the account has this number, or one of this SID.
    pub fn own(&self, number: &PhoneNumber, friendly_name: &str, sid: Option<String>) -> String {
        let sid = sid.unwrap_or_else(|| new_sid("PN"));
        let new = Number::new(sid.clone(), number.clone(), friendly_name.to_owned(), self.server.clock.now());
        let numbers = &mut self.server.state().numbers;
        let known = numbers.owned().any(|owned| owned.phone_number == *number || owned.sid == sid);
        assert!(!known, "the account has this number already");
        numbers.take_in(new);
        sid
    }

    /// Puts one more number up for sale. What it is follows from its digits; one of `+1` is in the United States, unless
    /// Toronto's.
    ///
    /// # Panics
    /// When the account has it, or it is of a country in which nothing is sold.
    pub fn sell(&self, number: &PhoneNumber) {
        let numbers = &mut self.server.state().numbers;
        let sold = !numbers.owned().any(|owned| owned.phone_number == *number) && numbers.shop.add(number);
        assert!(sold, "the number can't be sold");
    }

    /// Lets somebody else buy this number. Says whether it was for sale.
    pub fn sell_elsewhere(&self, number: &PhoneNumber) -> bool {
        self.server.state().numbers.shop.remove(number)
    }

    /// Makes Twilio refuse to sell anything from now on, until [`top_up`](Self::top_up).
    pub fn run_out_of_funds(&self) {
        self.server.state().numbers.out_of_funds = true;
    }

    /// Makes Twilio sell again from now on.
    pub fn top_up(&self) {
        self.server.state().numbers.out_of_funds = false;
    }

    /// Every purchase that ever took effect, in order: the number and its SID.
    #[must_use]
    pub fn purchases(&self) -> Vec<(String, String)> {
        self.server.state().numbers.purchases.clone()
    }

    /// Every number that was given back, in order: the number and its SID.
    #[must_use]
    pub fn given_back(&self) -> Vec<(String, String)> {
        self.server.state().numbers.given_back.clone()
    }

    /// Renames a number of the account as somebody else would, past us.
    ///
    /// # Panics
    /// When the account has no number of this SID.
    pub fn rename(&self, sid: &str, friendly_name: &str) {
        let numbers = &mut self.server.state().numbers;
        let number = numbers.get_mut(sid).expect("a number of the account");
        friendly_name.clone_into(&mut number.friendly_name);
    }

    /// Changes a setting of a number of the account, such as `VoiceUrl`, as somebody else would, past us.
    ///
    /// # Panics
    /// When the account has no number of this SID.
    pub fn set_by_hand(&self, sid: &str, parameter: &str, value: &str) {
        let now = self.server.clock.now();
        let numbers = &mut self.server.state().numbers;
        let number = numbers.get_mut(sid).expect("a number of the account");
        number.set(&[(parameter.to_owned(), value.to_owned())], now);
    }

    /// Lets Twilio take a number of the account away. It is not for sale either.
    ///
    /// # Panics
    /// When the account has no number of this SID.
    pub fn lose(&self, sid: &str) {
        assert!(self.server.state().numbers.lose(sid), "the account has no such number");
    }
}
