//! The one SQL session of engine, servers and command line.
//!
//! It knows what names mean (`domain.layer.name` is a table of the lake, at its newest version or at one that the
//! statement asks for), what a statement may do (read), and how much memory it may take. It does not know who asks,
//! over which protocol, or what a pipeline is.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod arranged;
mod catalogs;
mod failure;
mod headings;
pub mod lineage;
mod options;
mod patch;
mod placeholder;
mod rule;
mod session;
mod statement;
mod tables;
mod travel;

pub use arranged::{Building, Otherwise, Unreadable, WhyUnreadable, arranged, unreadable};
pub use failure::query_error;
pub use headings::given_names;
pub use options::SessionOptions;
pub use patch::{AsJson, RowPatch, TextTaken};
pub use rule::RuleQueries;
pub use session::Session;
