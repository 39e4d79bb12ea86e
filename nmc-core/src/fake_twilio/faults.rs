use super::wire::Answer;
use std::time::Duration;

/// One way in which Twilio's API fails. "Taken" means that the request took effect: the text was accepted, the number
/// bought, changed or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwilioFault {
    /// None: this request goes well, and the next fault is for the next one.
    Pass,
    /// The answer takes this long.
    Slow(Duration),
    /// 429 with this Retry-After.
    TooMany(u64),
    /// 401, whatever the credentials.
    Unauthorized,
    /// An answer with this status and this code of Twilio's, and nothing was taken.
    AnswerWith(u16, i32),
    /// An answer with this status from something between us and Twilio, and nothing was taken.
    InBetween(u16),
    /// 500, and nothing was taken.
    ErrorBefore,
    /// 500, and the request was taken.
    ErrorAfter,
    /// The connection is closed with the request unread.
    DropBefore,
    /// The request was taken, and the connection is closed without an answer.
    DropAfter,
    /// The request was taken, and the answer is not JSON.
    Garbage,
    /// The request is taken twice, as when a proxy repeats it. The answer is the second one's.
    Duplicate,
    /// The connection is closed without an answer, and the request is taken this much later by the fake's clock, as when it waited in
    /// somebody's queue.
    TakenLate(Duration),
    /// The request waits for [`FakeTwilio::release`](super::FakeTwilio::release), and then the connection is closed with
    /// nothing taken.
    HoldBefore,
    /// The request was taken, and the answer waits for [`FakeTwilio::release`](super::FakeTwilio::release).
    HoldAfter,
}

impl TwilioFault {
    /// The answer to a request that is not taken.
    pub(super) fn refusal(self) -> Option<Answer> {
        match self {
            Self::TooMany(seconds) => {
                Some(Answer { retry_after: Some(seconds), ..Answer::error(429, 20_429, "Too Many Requests") })
            }
            Self::Unauthorized => Some(Answer::unauthorized()),
            Self::AnswerWith(status, code) => Some(Answer::error(status, code, "Refused on demand")),
            Self::InBetween(status) => {
                Some(Answer { status, body: "<html>no way through".to_owned(), ..Answer::error(status, 0, "") })
            }
            Self::ErrorBefore => Some(internal_error()),
            _ => None,
        }
    }

    /// The answer that comes of a request that was taken; `None` is no answer.
    pub(super) fn spoil(self, answer: Answer) -> Option<Answer> {
        match self {
            Self::DropAfter => None,
            Self::ErrorAfter => Some(internal_error()),
            Self::Garbage => {
                // An answer without content can't be garbage.
                let status = if answer.status == 204 { 200 } else { answer.status };
                Some(Answer { status, body: "<html>not what you asked for".to_owned(), ..answer })
            }
            _ => Some(answer),
        }
    }
}

fn internal_error() -> Answer {
    Answer::error(500, 20_500, "Internal Server Error")
}
