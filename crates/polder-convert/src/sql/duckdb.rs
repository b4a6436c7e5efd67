//! DuckDB's dialect as the parser knows it, with maps as types: the parser reads those in angle brackets alone, which
//! [`super::inside`] gives them.

use std::any::TypeId;

use sqlparser::dialect::{Dialect, DuckDbDialect};

/// DuckDB, as far as definitions of tables go.
#[derive(Debug)]
pub(super) struct DuckDb;

/// What the parser knows of DuckDB.
macro_rules! as_in_duckdb {
    ($($supported:ident),* $(,)?) => {
        $(fn $supported(&self) -> bool {
            DuckDbDialect.$supported()
        })*
    };
}

impl Dialect for DuckDb {
    // Where the parser asks which dialect it is, the answer is DuckDB's.
    fn dialect(&self) -> TypeId {
        DuckDbDialect.dialect()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        DuckDbDialect.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        DuckDbDialect.is_identifier_part(ch)
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        true
    }

    as_in_duckdb!(
        supports_trailing_commas,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        supports_bitwise_shift_operators,
        supports_named_fn_args_with_eq_operator,
        supports_named_fn_args_with_assignment_operator,
        supports_dictionary_syntax,
        support_map_literal_syntax,
        supports_lambda_functions,
        allow_extract_single_quotes,
        supports_explain_with_utility_options,
        supports_load_extension,
        supports_array_typedef_with_brackets,
        supports_from_first_select,
        supports_order_by_all,
        supports_select_wildcard_exclude,
        supports_notnull_operator,
        supports_install,
        supports_detach,
        supports_select_wildcard_replace,
        supports_comma_separated_trim,
    );
}
