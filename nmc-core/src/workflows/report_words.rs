//! The words of mails that bring reports, as plain text and as HTML.

use crate::analytics::ReportReader;
use crate::delivery::{escaped, named, one_line};
use crate::reports::{ReportContent, display};
use rust_decimal::Decimal;

/// What a mail says of the figures, in this order: the name of each, and what it is called here.
const HEADLINES: [(&str, &str); 6] = [
    ("nmc.calls_inbound", "Calls"),
    ("nmc.calls_answered", "Answered"),
    ("nmc.calls_unanswered", "Missed"),
    ("nmc.calls_texted_back", "Missed callers who were texted"),
    ("nmc.calls_replied", "Missed callers who wrote back"),
    ("nmc.conversations_opened", "Conversations begun"),
];

/// A report, and whom it is mailed to.
pub(super) struct ReportWords<'a> {
    pub(super) content: &'a ReportContent,
    pub(super) reader: &'a ReportReader,
    /// Where people look at reports.
    pub(super) page: Option<&'a str>,
    /// Whether the report is with the mail.
    pub(super) has_file: bool,
}

impl ReportWords<'_> {
    /// The subject.
    pub(super) fn subject(&self) -> String {
        format!("Report of {}: {}", self.business(), self.content.period.title)
    }

    fn business(&self) -> String {
        named(&self.content.business)
    }

    fn greeting(&self) -> String {
        match self.reader.first_name.as_deref().map(named).filter(|name| !name.is_empty()) {
            Some(name) => format!("Hello {name},"),
            None => "Hello,".to_owned(),
        }
    }

    fn beginning(&self) -> String {
        format!("this is how {} did {}.", self.business(), self.content.during())
    }

    /// Labels, values, and values of the period before where they are compared. Key figures without a value are left out, as in the PDF.
    fn headlines(&self) -> Vec<(&'static str, String, Option<String>)> {
        let content = self.content;
        let count = |value: Decimal| display(value, "calls");
        let is_compared = content.is_compared();
        let mut lines: Vec<_> = HEADLINES
            .iter()
            .map(|(name, label)| {
                let before = is_compared.then(|| count(content.previous_total(name)));
                (*label, count(content.total(name)), before)
            })
            .collect();
        for (name, label) in [("answer_rate", "Answer rate"), ("first_response_minutes", "Wait for a first answer")] {
            if let Some(kpi) = content.kpi(name).filter(|kpi| kpi.value.is_some() || is_compared && kpi.previous.is_some()) {
                lines.push((label, kpi.shown(kpi.value), is_compared.then(|| kpi.shown(kpi.previous))));
            }
        }
        lines
    }

    fn advice(&self) -> impl Iterator<Item = String> {
        self.content.advice.iter().map(|advice| one_line(&advice.text))
    }

    /// Where the whole report is.
    fn whole(&self) -> String {
        if self.has_file { "The whole report is attached as a PDF." } else { "The whole report is kept for 90 days." }.to_owned()
    }

    fn end(&self) -> String {
        format!(
            "Days and hours are by the clock of {}. Owners and administrators of {} choose which reports are mailed, and to whom; \
             whoever wants no mails says so in their preferences.",
            self.content.zone,
            self.business()
        )
    }

    /// The mail as plain text.
    pub(super) fn text(&self) -> String {
        let before_in_words = self.content.before_in_words();
        let line = |(label, value, before): (&str, String, Option<String>)| match before {
            Some(before) => format!("{label}: {value} ({before_in_words}: {before})"),
            None => format!("{label}: {value}"),
        };
        let headlines: Vec<String> = self.headlines().into_iter().map(line).collect();
        let note = self.content.not_compared().map(|note| format!("{note}\n\n")).unwrap_or_default();
        let advice: String = self.advice().map(|advice| format!("- {advice}\n")).collect();
        let advice = if advice.is_empty() { advice } else { format!("What to do:\n{advice}\n") };
        let page = self.page.map(|page| format!("\n{page}")).unwrap_or_default();
        let (greeting, beginning, whole, end) = (self.greeting(), self.beginning(), self.whole(), self.end());
        format!("{greeting}\n\n{beginning}\n\n{}\n\n{note}{advice}{whole}{page}\n\n{end}\n", headlines.join("\n"))
    }

    /// The mail as HTML.
    pub(super) fn html(&self) -> String {
        let cell = |text: &str| format!("<td align=\"right\">{text}</td>");
        let row = |(label, value, before): (&str, String, Option<String>)| {
            let before = before.map(|before| cell(&escaped(&before))).unwrap_or_default();
            format!(
                "<tr><th align=\"left\">{}</th>{}{before}</tr>\n",
                escaped(label),
                cell(&format!("<b>{}</b>", escaped(&value)))
            )
        };
        let rows: String = self.headlines().into_iter().map(row).collect();
        let (head, note) = match self.content.not_compared() {
            None => {
                let (title, before) = (escaped(&self.content.period.title), escaped(&self.content.before.title));
                (format!("<tr><th></th><th align=\"right\">{title}</th><th align=\"right\">{before}</th></tr>\n"), String::new())
            }
            Some(note) => (String::new(), format!("<p>{}</p>\n", escaped(&note))),
        };
        let advice: String = self.advice().map(|advice| format!("<li>{}</li>\n", escaped(&advice))).collect();
        let advice = if advice.is_empty() { advice } else { format!("<p>What to do:</p>\n<ul>\n{advice}</ul>\n") };
        let link = self.page.map(|page| format!(" <a href=\"{}\">Look at reports</a>", escaped(page))).unwrap_or_default();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n<p>{}</p>\n<p>{}</p>\n\
             <table cellpadding=\"4\">\n{head}{rows}</table>\n{note}{advice}<p>{}{link}</p>\n<p><small>{}</small></p>\n</body></html>\n",
            escaped(&self.subject()),
            escaped(&self.greeting()),
            escaped(&self.beginning()),
            escaped(&self.whole()),
            escaped(&self.end())
        )
    }
}
