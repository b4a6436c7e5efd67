//! The recommendation domain: what to offer to whom.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod bought_together;
mod personal;
mod shelf;

use polder_domain::Domain;

/// What the recommendation domain offers.
pub fn domain() -> Domain {
    Domain {
        name: "recommendation",
        models: vec![
            Box::new(bought_together::BoughtTogether),
            Box::new(personal::PersonalTopN),
        ],
    }
}
