//! A broken promise as an event, for alerts: CloudEvents 1.0 in its JSON format.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::assess::Assessed;

/// The type of the event.
pub const EVENT_TYPE: &str = "polder.service-level.breached.v1";

/// A service level that is broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach(Assessed);

impl Breach {
    /// The event of a service level, where it is broken.
    pub fn of(assessed: &Assessed) -> Option<Self> {
        assessed.is_breached().then(|| Self(assessed.clone()))
    }

    /// The event's id: the same as long as the same promise is broken since the same moment, so that a receiver knows
    /// an event that it has seen.
    pub fn id(&self) -> Uuid {
        let Assessed {
            dataset,
            contract,
            contract_version,
            property,
            element,
            promised,
            ..
        } = &self.0;
        let since = self.0.outcome.since.map(|since| since.timestamp_micros());
        let named = json!([dataset, contract, contract_version, property, element, promised, since]);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{EVENT_TYPE}{named}").as_bytes())
    }

    /// The event in one line of JSON (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).
    pub fn to_json(&self) -> Value {
        json!({
            "specversion": "1.0",
            "id": self.id(),
            "source": format!("/datasets/{}", self.0.dataset),
            "type": EVENT_TYPE,
            "subject": self.0.property,
            "time": self.0.window.to,
            "datacontenttype": "application/json",
            "data": self.0.to_json(),
        })
    }
}
