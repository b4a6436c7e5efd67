//! The query engine that rules are planned by.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use datafusion::execution::SessionState;
use datafusion::prelude::{SessionConfig, SessionContext};

/// Functions and types are those of Polder's own sessions, so that an expression means the same in a query.
pub(crate) static ENGINE: LazyLock<SessionState> = LazyLock::new(|| {
    let mut config = SessionConfig::new().with_create_default_catalog_and_schema(false);
    let parser = &mut config.options_mut().sql_parser;
    parser.parse_float_as_decimal = true;
    parser.map_string_types_to_utf8view = false;
    SessionContext::new_with_config(config).state()
});

/// The names of all functions that the engine knows.
pub(crate) fn functions() -> BTreeSet<String> {
    let engine = &*ENGINE;
    let names = engine.scalar_functions().keys();
    let names = names.chain(engine.aggregate_functions().keys());
    names.chain(engine.window_functions().keys()).cloned().collect()
}
