//! Words for types that MySQL, SQL Server, Oracle and Redshift mean in their own way.

use crate::dialect::Dialect;
use crate::kind::{Kind, UINT32, UINT64};

/// What a type's words mean in one of these databases; nothing where they mean what they mean elsewhere.
pub(crate) fn kind(base: &str, arguments: &[u32], dialect: Dialect) -> Option<Kind> {
    match dialect {
        Dialect::MySql => my_sql(base, arguments),
        Dialect::SqlServer => sql_server(base, arguments),
        Dialect::Oracle => oracle(base, arguments),
        Dialect::Redshift => redshift(base, arguments),
        _ => None,
    }
}

const WHOLE_38: Kind = Kind::Decimal {
    precision: 38,
    scale: 0,
};

/// A decimal with its digits, or those that it has without any; beyond 38 of them a float.
fn decimal(arguments: &[u32], default: u32) -> Kind {
    let (precision, scale) = match *arguments {
        [] => (default, 0),
        [precision] => (precision, 0),
        [precision, scale, ..] => (precision, scale),
    };
    match (1..=38).contains(&precision) && scale <= precision {
        true => Kind::Decimal { precision, scale },
        false => Kind::Float64,
    }
}

/// <https://dev.mysql.com/doc/refman/8.4/en/data-types.html>
fn my_sql(base: &str, arguments: &[u32]) -> Option<Kind> {
    let kind = match base {
        // So MySQL keeps a BOOLEAN.
        "tinyint" if arguments == [1] => Kind::Boolean,
        "bit" if matches!(arguments, [] | [1]) => Kind::Boolean,
        "bit" | "tinyblob" | "mediumblob" | "longblob" => Kind::Binary,
        "mediumint unsigned" | "int4 unsigned" => UINT32,
        "int2 unsigned" => Kind::Integer {
            bits: 16,
            signed: false,
        },
        "int8 unsigned" | "serial" => UINT64,
        "year" => Kind::Integer { bits: 16, signed: true },
        "decimal" | "dec" | "numeric" | "decimal unsigned" | "dec unsigned" => decimal(arguments, 10),
        // One number is of bits of the mantissa, two are of digits.
        "float" | "float unsigned" => match arguments {
            &[bits] if bits > 24 => Kind::Float64,
            _ => Kind::Float32,
        },
        "real" | "real unsigned" | "double" | "double unsigned" | "double precision unsigned" => Kind::Float64,
        "timestamp" => Kind::Timestamp,
        _ => return None,
    };
    Some(kind)
}

/// <https://learn.microsoft.com/en-us/sql/t-sql/data-types/data-types-transact-sql>
fn sql_server(base: &str, arguments: &[u32]) -> Option<Kind> {
    let kind = match base {
        "tinyint" => Kind::Integer { bits: 8, signed: false },
        "bit" => Kind::Boolean,
        "money" => decimal(&[19, 4], 19),
        "smallmoney" => decimal(&[10, 4], 10),
        "decimal" | "dec" | "numeric" => decimal(arguments, 18),
        "smalldatetime" => Kind::TimestampLocal,
        "datetimeoffset" => Kind::Timestamp,
        // A number of versions, and no time.
        "timestamp" | "rowversion" | "image" => Kind::Binary,
        "ntext" => Kind::String,
        _ => return None,
    };
    Some(kind)
}

/// <https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/Data-Types.html>
fn oracle(base: &str, arguments: &[u32]) -> Option<Kind> {
    let kind = match (base, arguments) {
        ("number", []) => Kind::Float64,
        // All digits behind the point, and zeros before them.
        ("number", &[precision, scale]) if scale > precision => decimal(&[scale, scale], 38),
        ("number" | "decimal" | "dec" | "numeric", digits) => decimal(digits, 38),
        ("integer" | "int" | "smallint", _) => WHOLE_38,
        ("float" | "real" | "double precision" | "binary_double", _) => Kind::Float64,
        ("binary_float", _) => Kind::Float32,
        ("date", _) => Kind::TimestampLocal,
        ("raw", _) => Kind::Binary,
        ("long" | "nclob", _) => Kind::String,
        _ => return None,
    };
    Some(kind)
}

/// <https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html>
fn redshift(base: &str, arguments: &[u32]) -> Option<Kind> {
    let kind = match base {
        "decimal" | "numeric" => decimal(arguments, 18),
        "varbyte" => Kind::Binary,
        _ => return None,
    };
    Some(kind)
}
