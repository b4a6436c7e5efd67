//! What Polder's tests share: handles of real services, real data and its totals, and the binary as a process.
//!
//! Nothing here uses Polder's own crates: what a test expects must come from elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on ends with a panic"
)]

pub mod binary;
pub mod broker;
pub mod data;
pub mod delta;
pub mod proxy;
pub mod retail;
pub mod service;
mod signal;
pub mod skip;

pub use self::{
    binary::{Ended, Polder, Running},
    skip::skip,
};

/// A name that no other test and no other run uses: `prefix`, the process, a clock and a counter, in `[a-z0-9_]`.
#[must_use]
pub fn unique(prefix: &str) -> String {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::{SystemTime, UNIX_EPOCH},
    };
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_millis());
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{clock}_{number}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::unique;

    #[test]
    fn names_differ_and_are_plain() {
        let names = [unique("lines"), unique("lines")];
        assert_ne!(names[0], names[1]);
        assert!(names[0].starts_with("lines_"));
        assert!(
            names[0]
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
    }
}
