//! The finance domain: what the shop will earn.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod net_revenue;

use polder_domain::Domain;

/// What the finance domain offers.
pub fn domain() -> Domain {
    Domain {
        name: "finance",
        models: vec![Box::new(net_revenue::NetRevenueForecast)],
    }
}
