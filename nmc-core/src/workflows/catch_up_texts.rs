//! The provider's list of texts: what is missing, and what became of those that were sent.

use super::catch_up::{CatchUp, MOST_PAGES, Run, Window};
use super::caught_up::{Found, FoundWhat};
use super::known::KnownText;
use crate::conversations::TextPrice;
use crate::store::{Reason, Tenant};
use crate::telephony::TextReport;
use crate::telephony::{SmsCallback, SmsStatusCallback, without_channel};
use crate::workflows::{receive_text, record_delivery};
use crate::{Error, MessageId, PhoneNumber, Result, TenantId};
use std::collections::HashMap;

impl CatchUp {
    /// Reads one window of texts; `false` when it was to stop. What is missing is kept until its last page is read, and recorded
    /// in the order in which it was sent: of STOP and START the later one counts.
    pub(super) fn texts_of(&self, window: Window, run: &mut Run, stops: &dyn Fn() -> bool) -> Result<bool> {
        let (mut missing, mut next) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let page = self.texts.list(window.from, window.until, next.as_deref())?;
            run.came.texts.pages += 1;
            run.came.texts.read += page.texts.len() + page.unreadable;
            run.came.texts.unreadable += page.unreadable;
            self.text_page(page.texts, run, &mut missing)?;
            next = page.next;
            if stops() {
                return Ok(false);
            }
            if next.is_none() {
                let mut prices = HashMap::new();
                missing.reverse();
                // What has no readable date is taken for the newest: a STOP may be among it.
                missing.sort_by_key(|(report, ..): &(TextReport, PhoneNumber, Vec<TenantId>)| report.at.unwrap_or(run.now));
                for (report, ours, tenants) in missing {
                    if stops() {
                        return Ok(false);
                    }
                    let known = self.record_text(&report, ours, &tenants, run)?;
                    for tenant in known.iter().flat_map(|_| &tenants) {
                        charge_text(&mut prices, *tenant, known, &report);
                    }
                }
                self.note_text_prices(prices, run)?;
                return Ok(true);
            }
        }
        Err(Error::internal("the provider's list of texts has no end"))
    }

    /// One page of texts: news of those that are known, and what is missing.
    fn text_page(
        &self,
        texts: Vec<TextReport>,
        run: &mut Run,
        missing: &mut Vec<(TextReport, PhoneNumber, Vec<TenantId>)>,
    ) -> Result<()> {
        let ours = |text: &TextReport| without_channel(if text.inbound { &text.to } else { &text.from }).parse().ok();
        let texts: Vec<(TextReport, PhoneNumber)> =
            texts.into_iter().filter_map(|text| ours(&text).map(|number| (text, number))).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let (holders, known) = self.store.system(Reason::CatchUp, |tx| {
            let numbers = texts.iter().map(|(_, number)| number).collect();
            tx.known_texts(numbers, texts.iter().map(|(text, _)| text.sid.as_str()).collect())
        })?;
        let mut prices = HashMap::new();
        for (text, number) in texts {
            let tenants = run.tenants_of(&holders, &number, text.at, |start| start.messages);
            if tenants.is_empty() {
                continue;
            }
            let Some(known) = known.rows.get(&text.sid) else {
                if text.inbound && !known.erased.contains(&text.sid) {
                    missing.push((text, number, tenants));
                }
                continue;
            };
            for row in known {
                if row.price.is_none() {
                    charge_text(&mut prices, row.tenant, Some(row.id), &text);
                }
                if !text.inbound {
                    self.report_delivery(&text, row, run)?;
                }
            }
        }
        self.note_text_prices(prices, run)
    }

    fn note_text_prices(&self, prices: HashMap<TenantId, Vec<TextPrice>>, run: &mut Run) -> Result<()> {
        for (tenant, prices) in prices {
            let noted = self.store.worker(&Tenant::proven(tenant), |tx| tx.messages().note_prices(&prices));
            run.came.texts.priced += run.came.settle(&[tenant], noted)?.unwrap_or(0);
        }
        Ok(())
    }

    /// Records what became of a text of ours, if that is news.
    fn report_delivery(&self, text: &TextReport, row: &KnownText, run: &mut Run) -> Result<()> {
        let mut params = vec![
            ("MessageSid".to_owned(), text.sid.clone()),
            ("From".to_owned(), text.from.clone()),
            ("To".to_owned(), text.to.clone()),
            ("MessageStatus".to_owned(), text.status.clone()),
        ];
        params.extend(text.error_code.map(|code| ("ErrorCode".to_owned(), code.to_string())));
        params.extend(text.error_message.clone().map(|words| ("ErrorMessage".to_owned(), words)));
        let Ok(callback) = SmsStatusCallback::parse(&params, None) else { return Ok(()) };
        if !callback.report.status.predecessors().contains(&row.status) {
            return Ok(());
        }
        let noted = record_delivery(&self.store, &callback);
        run.came.texts.updated += usize::from(run.came.settle(&[row.tenant], noted)?.is_some());
        Ok(())
    }

    /// Records a text that was missing, as its webhook would have. The answer is its row, if it is new.
    fn record_text(
        &self,
        text: &TextReport,
        ours: PhoneNumber,
        tenants: &[TenantId],
        run: &mut Run,
    ) -> Result<Option<MessageId>> {
        let mut params = vec![
            ("MessageSid".to_owned(), text.sid.clone()),
            ("From".to_owned(), text.from.clone()),
            ("To".to_owned(), text.to.clone()),
            ("Body".to_owned(), text.body.clone()),
            ("NumMedia".to_owned(), text.num_media.to_string()),
        ];
        if text.num_media > 0 {
            let media = match self.texts.media(&text.sid) {
                Ok(media) => media,
                Err(error) => {
                    tracing::warn!(sid = text.sid, reason = %error, "the pictures of a text can't be asked for now");
                    run.came.failed.extend(tenants);
                    return Ok(None);
                }
            };
            for (place, media) in media.into_iter().enumerate() {
                params.push((format!("MediaUrl{place}"), media.url));
                params.push((format!("MediaContentType{place}"), media.content_type));
            }
        }
        let received = SmsCallback::parse(&params).and_then(|mut callback| {
            callback.text.at = text.at;
            receive_text(&self.store, &callback)
        });
        if let Err(Error::Invalid { .. }) = &received {
            tracing::warn!(sid = text.sid, "a text in the provider's list can't be recorded");
            run.came.texts.unreadable += 1;
            return Ok(None);
        }
        let Some(received) = run.came.settle(tenants, received)?.filter(|received| !received.duplicate) else {
            return Ok(None);
        };
        run.came.texts.recorded += 1;
        run.came.tell(Found {
            what: FoundWhat::Text,
            sid: text.sid.clone(),
            at: text.at,
            our_number: ours,
            answered: received.reply.is_some(),
        });
        Ok(Some(received.message))
    }
}

/// Adds a text's price to those that are to be noted of a tenant, if the text is there and its price is known.
fn charge_text(prices: &mut HashMap<TenantId, Vec<TextPrice>>, tenant: TenantId, id: Option<MessageId>, text: &TextReport) {
    if let (Some(id), Some(price)) = (id, text.price) {
        let unit = text.price_unit.clone().unwrap_or_else(|| "USD".to_owned());
        prices.entry(tenant).or_default().push(TextPrice { id, price, unit });
    }
}
