//! The query engine that rules are planned by.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use datafusion::config::SqlParserOptions;
use datafusion::execution::SessionState;
use datafusion::prelude::{SessionConfig, SessionContext};

/// How every session of Polder's reads SQL, so that one text means one thing in rules, pipelines and statements.
pub fn read_as_everywhere(parser: &mut SqlParserOptions) {
    // Money is decimal: 0.2 in a statement must not turn a decimal product into a double.
    parser.parse_float_as_decimal = true;
    // Tables, models and clients speak Utf8; views would have to be cast at every border.
    parser.map_string_types_to_utf8view = false;
}

/// Functions and types are those of Polder's own sessions, so that an expression means the same in a query.
pub(crate) static ENGINE: LazyLock<SessionState> = LazyLock::new(|| {
    let mut config = SessionConfig::new().with_create_default_catalog_and_schema(false);
    read_as_everywhere(&mut config.options_mut().sql_parser);
    SessionContext::new_with_config(config).state()
});

/// The names of all functions that the engine knows.
pub(crate) fn functions() -> BTreeSet<String> {
    let engine = &*ENGINE;
    let names = engine.scalar_functions().keys();
    let names = names.chain(engine.aggregate_functions().keys());
    names.chain(engine.window_functions().keys()).cloned().collect()
}
