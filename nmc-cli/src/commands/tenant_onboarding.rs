//! `nmc tenant onboarding` and `nmc tenant review-greeting`.

use crate::confirm::confirmed;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::Format;
use crate::output::{Columns, plain, time, write_json};
use chrono::{DateTime, Utc};
use nmc_core::tenants::{BusinessHours, GreetingPreview, GreetingWords};
use nmc_core::workflows::{Missing, Onboarding, OnboardingStep};
use nmc_core::{Error, Store};
use serde_json::{Value, json};

/// A step as it is shown.
struct Step {
    step: OnboardingStep,
    is_left: bool,
    missing: Vec<Missing>,
}

impl Step {
    const fn state(&self) -> &'static str {
        match (self.is_left, self.missing.is_empty()) {
            (true, _) => "done",
            (false, true) => "ready",
            (false, false) => "open",
        }
    }

    /// The requirements that the step still has, in one line.
    fn needs(&self) -> String {
        let missing: Vec<String> = self.missing.iter().map(|missing| format!("{} {}", missing.field, missing.rule)).collect();
        missing.join("; ")
    }
}

const STEPS: Columns<Step> = Columns(&[
    ("step", |row| json!(row.step.number())),
    ("what", |row| json!(row.step.label())),
    ("state", |row| json!(row.state())),
    ("missing", |row| json!(row.needs())),
]);

fn steps(state: &Onboarding) -> Vec<Step> {
    let steps = state.missing.iter().map(|(step, missing)| Step {
        step: *step,
        is_left: state.completed || step.number() < state.step.number(),
        missing: missing.clone(),
    });
    steps.collect()
}

/// How far a business is, for programs.
pub(super) fn document(state: &Onboarding) -> Value {
    let steps: Vec<Value> = steps(state)
        .iter()
        .map(|row| {
            let missing: Vec<Value> =
                row.missing.iter().map(|missing| json!({"field": missing.field, "rule": missing.rule})).collect();
            json!({"step": row.step.number(), "what": row.step.label(), "is_left": row.is_left, "missing": missing})
        })
        .collect();
    json!({"step": state.step.number(), "completed": state.completed, "steps": steps})
}

pub(super) fn print(format: Format, state: &Onboarding) -> CliResult<()> {
    match format {
        Format::Json => write_json(&document(state)),
        Format::Table => STEPS.all(format, &steps(state)),
    }
}

pub(crate) fn run(store: &Store, key: &str, complete: Option<i32>, format: Format) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let step = complete.map(OnboardingStep::numbered).transpose()?;
    let state = store.as_operator(&proof, |tx| match step {
        Some(step) => tx.complete_onboarding_step(step),
        None => tx.onboarding(),
    })?;
    print(format, &state)?;
    if state.completed {
        eprintln!("onboarding is complete");
    }
    Ok(())
}

const REVIEW: Columns<(GreetingPreview, Option<Value>)> = Columns(&[
    ("text", |(preview, _)| json!(preview.text)),
    ("characters", |(preview, _)| json!(preview.characters)),
    ("encoding", |(preview, _)| json!(preview.encoding.as_str())),
    ("segments", |(preview, _)| json!(preview.segments)),
    ("greeting_reviewed_at", |(_, at)| json!(at)),
]);

/// An instant when the business, open now, will be closed, or the other way round: a greeting may read differently then.
fn other_state(hours: &BusinessHours, now: DateTime<Utc>) -> Option<(&'static str, DateTime<Utc>)> {
    if hours.is_open(now) {
        hours.next_close(now).map(|at| ("while it is closed", at))
    } else {
        hours.next_open(now).map(|at| ("while it is open", at))
    }
}

fn show_text(preview: &GreetingPreview) {
    let shown: Vec<String> = preview.text.lines().map(plain).collect();
    let (characters, segments, encoding) = (preview.characters, preview.segments, preview.encoding.as_str());
    let unit = if segments == 1 { "segment" } else { "segments" };
    eprintln!("{}\n({characters} characters, {segments} {unit} in {encoding})", shown.join("\n"));
}

/// Nobody approves of what they have not seen: of a greeting that was changed after it was shown, nobody has.
pub(crate) fn review_greeting(store: &Store, key: &str, yes: bool, format: Format) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let (template, preview, other) = store.as_operator(&proof, |tx| {
        let template = tx.business_settings().get()?.greeting_template;
        let (business, hours) = (tx.tenants().get()?, tx.tenants().business_hours()?);
        let preview = GreetingPreview::of(&template, &GreetingWords::of(&business, &hours, tx.now()))?;
        let other = other_state(&hours, tx.now());
        let other = other.map(|(state, at)| {
            Ok::<_, Error>((state, GreetingPreview::of(&template, &GreetingWords::of(&business, &hours, at))?))
        });
        Ok((template, preview, other.transpose()?))
    })?;
    show_text(&preview);
    if let Some((state, other)) = other.filter(|(_, other)| other.text != preview.text) {
        eprintln!("{state}:");
        show_text(&other);
    }
    drop(confirmed(yes, "This approves of the greeting as it is")?);
    let settings = store.as_operator(&proof, |tx| {
        if tx.business_settings().lock()?.greeting_template != template {
            return Err(Error::Stale { entity: "the greeting" });
        }
        tx.business_settings().review_greeting()
    })?;
    REVIEW.one(format, &(preview, settings.greeting_reviewed_at.map(time)))
}
