//! Policies: what every contract of a mesh must keep, whoever writes it.
//!
//! A policy is declared (`catalog/policies/*.yaml`) with its reason and how to mend what it finds. Its rule is one of
//! those built in ([`BuiltIn`]) or an expression of one's own in the Common Expression Language (CEL) over the contract's
//! document. [`check`] holds policies against contracts; [`detect`](detect()) finds card numbers and credentials in text,
//! and a [`Sample`] of the rows that land is searched for them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod applies;
mod builtin;
mod check;
mod detect;
mod exception;
mod expression;
mod found;
mod landing;
mod plurals;
mod policy;
mod subject;
#[cfg(test)]
mod tests;
mod words;

pub use applies::{Applies, Scope};
pub use builtin::{BuiltIn, NameWords};
pub use check::{check, check_samples};
pub use detect::{Class, Finding, Kind, Sighting, detect, scan};
pub use exception::Exception;
pub use expression::Expression;
pub use landing::{Caught, Classified, Landing, Sample};
pub use policy::{FOLDER, Policies, Policy, Rule};
