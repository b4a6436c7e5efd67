//! Spark's dialect as the parser knows it, with the backslashes that Spark reads in texts and the parser does not.

use std::any::TypeId;

use sqlparser::dialect::{Dialect, SparkSqlDialect};

/// Spark and Databricks, as far as definitions of tables go.
#[derive(Debug)]
pub(super) struct Spark;

impl Dialect for Spark {
    // Where the parser asks which dialect it is, the answer is Spark's.
    fn dialect(&self) -> TypeId {
        SparkSqlDialect.dialect()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        SparkSqlDialect.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        SparkSqlDialect.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        SparkSqlDialect.is_identifier_part(ch)
    }

    /// See <https://spark.apache.org/docs/latest/sql-ref-literals.html#string-literal>
    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        SparkSqlDialect.supports_struct_literal()
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        SparkSqlDialect.supports_map_literal_with_angle_brackets()
    }

    fn supports_nested_comments(&self) -> bool {
        SparkSqlDialect.supports_nested_comments()
    }

    fn supports_create_table_using(&self) -> bool {
        SparkSqlDialect.supports_create_table_using()
    }

    fn supports_long_type_as_bigint(&self) -> bool {
        SparkSqlDialect.supports_long_type_as_bigint()
    }
}
