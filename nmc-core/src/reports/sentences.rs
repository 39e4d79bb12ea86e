//! What mails and pages say of a report in sentences, so that both say the same.

use super::content::{KpiEntry, ReportContent, ReportKind};
use super::words::{self, days, display};
use rust_decimal::Decimal;

impl ReportContent {
    /// The period as the end of a sentence about what happened in it.
    pub(crate) fn during(&self) -> String {
        let (first, last) = (self.period.first_day, self.period.last_day);
        let title = words::title(self.kind, first, last);
        let during = match self.kind {
            ReportKind::Daily => format!("on {title}"),
            ReportKind::Weekly => format!("in the week of {}", days(first, last)),
            ReportKind::Monthly => format!("in {title}"),
            ReportKind::Custom if first == last => format!("on {title}"),
            ReportKind::Custom => format!("over {title}"),
        };
        if self.complete { during } else { format!("{during}, so far") }
    }

    /// The period before, as a sentence names it.
    pub(crate) fn before_in_words(&self) -> String {
        match self.kind {
            ReportKind::Daily => "the day before".to_owned(),
            ReportKind::Weekly => "the week before".to_owned(),
            ReportKind::Monthly => "the month before".to_owned(),
            ReportKind::Custom if self.period.days == 1 => "the day before".to_owned(),
            ReportKind::Custom => format!("the {} days before", self.period.days),
        }
    }

    /// Whether counts stand beside those of the period before: there were some, and fewer so far mean nothing.
    pub(crate) fn is_compared(&self) -> bool {
        self.complete && self.totals.iter().any(|total| !total.previous.is_zero())
    }

    /// Why counts don't stand beside those of the period before, where they don't.
    pub(crate) fn not_compared(&self) -> Option<String> {
        if !self.complete {
            return Some("This period is not over: these are the figures so far.".to_owned());
        }
        (!self.is_compared()).then(|| format!("There are no figures of {} to compare with.", self.before_in_words()))
    }

    /// What is to be said where there is nothing to do, and somebody called.
    #[cfg_attr(not(feature = "pdf"), expect(dead_code, reason = "mails leave out what nobody has to do"))]
    pub(crate) fn nothing_to_do(&self) -> &'static str {
        let (calls, missed) = (self.total("nmc.calls_inbound"), self.total("nmc.calls_unanswered"));
        if missed + missed >= calls && !missed.is_zero() {
            "There were too few calls to tell why they were missed."
        } else {
            "Nothing stands out. Keep going."
        }
    }
}

impl KpiEntry {
    /// A value of the key figure as people read it. Nothing that is bought costs nothing: without any price the cost is not known.
    pub(crate) fn shown(&self, value: Option<Decimal>) -> String {
        match value {
            None => "–".to_owned(),
            Some(value) if self.is_unknown(value) => "unknown".to_owned(),
            Some(value) => display(value, &self.unit),
        }
    }

    /// Whether there is anything to show.
    #[cfg_attr(not(feature = "pdf"), expect(dead_code, reason = "only pages list all key figures"))]
    pub(crate) fn is_known(&self) -> bool {
        [self.value, self.previous].into_iter().flatten().any(|value| !self.is_unknown(value))
    }

    /// Whether a value is a cost of which no price is known.
    pub(crate) fn is_unknown(&self, value: Decimal) -> bool {
        value.is_zero() && matches!(self.name.as_str(), "cost_per_call" | "cost_per_text")
    }
}
