//! What calls and conversations tell analytics.

use crate::CallDirection;
use crate::analytics::NewCallAnalytics;
use crate::calls::Call;
use serde_json::{Map, Value};

impl NewCallAnalytics {
    /// The figures that the call itself tells.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        let customer = match call.call_direction {
            CallDirection::Inbound => &call.caller_phone,
            CallDirection::Outbound => &call.called_phone,
        };
        Self {
            call_id: Some(call.id),
            conversation_id: call.conversation_id,
            phone_number: customer.phone().cloned(),
            call_type: Some(call.call_type),
            call_status: call.call_status.is_terminal().then(|| call.outcome.into()),
            call_duration: call.duration_seconds,
            ai_takeover_count: 0,
            customer_satisfaction: None,
            conversion_status: None,
            revenue_impact: None,
            cost_per_call: (call.price_unit == "USD").then_some(call.price).flatten(),
            tags: None,
            metadata: Value::Object(Map::new()),
            call_date: call.started_at.unwrap_or(call.created_at),
        }
    }
}
