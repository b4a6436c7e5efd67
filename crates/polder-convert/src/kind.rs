//! The type of a value, in the one form that all formats are translated through.

use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::loss::View;
use crate::vendor;

/// The type of one value by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    /// A whole number of 8, 16, 32 or 64 bits.
    Integer {
        bits: u8,
        signed: bool,
    },
    Float32,
    Float64,
    Decimal {
        precision: u32,
        scale: u32,
    },
    String,
    Uuid,
    Binary,
    Date,
    /// An instant, microseconds.
    Timestamp,
    /// A day and time of no zone, microseconds.
    TimestampLocal,
    Time,
    Object,
    Array,
    Map,
}

pub(crate) const INT32: Kind = Kind::Integer { bits: 32, signed: true };
pub(crate) const INT64: Kind = Kind::Integer { bits: 64, signed: true };
pub(crate) const UINT32: Kind = Kind::Integer {
    bits: 32,
    signed: false,
};
pub(crate) const UINT64: Kind = Kind::Integer {
    bits: 64,
    signed: false,
};

/// The keys under which a type is written into a property.
pub(crate) const OF_TYPE: [&str; 6] = [
    "logicalType",
    "physicalType",
    "logicalTypeOptions",
    "items",
    "map",
    "properties",
];

/// The keys of a property that say its type.
const TYPE_KEYS: [&str; 3] = ["logicalType", "physicalType", "logicalTypeOptions.format"];

impl Kind {
    /// How contracts write the type: logical type, physical type, format.
    fn words(self) -> [Option<String>; 3] {
        let word = |text: &str| Some(text.to_owned());
        match self {
            Self::Boolean => [word("boolean"), None, None],
            // The standard's default is 32 bits.
            Self::Integer { bits: 32, signed: true } => [word("integer"), None, None],
            Self::Integer { bits, signed } => {
                let letter = if signed { "i" } else { "u" };
                [word("integer"), None, Some(format!("{letter}{bits}"))]
            }
            Self::Float32 => [word("number"), None, word("f32")],
            Self::Float64 => [word("number"), None, None],
            Self::Decimal { precision, scale } => [word("number"), Some(format!("decimal({precision},{scale})")), None],
            Self::String => [word("string"), None, None],
            Self::Uuid => [word("string"), None, word("uuid")],
            Self::Binary => [word("string"), word("binary"), None],
            Self::Date => [word("date"), None, None],
            Self::Timestamp => [word("timestamp"), None, None],
            Self::TimestampLocal => [word("timestamp"), word("timestamp_ntz"), None],
            Self::Time => [word("time"), None, None],
            Self::Object => [word("object"), None, None],
            Self::Array => [word("array"), None, None],
            Self::Map => [word("map"), None, None],
        }
    }

    /// Writes the type into a property.
    pub(crate) fn write(self, property: &mut Map<String, Value>) {
        let [logical, physical, format] = self.words();
        property.extend(logical.map(|word| ("logicalType".to_owned(), json!(word))));
        property.extend(physical.map(|word| ("physicalType".to_owned(), json!(word))));
        if let Some(format) = format {
            option(property, "format", json!(format));
        }
    }

    /// The type that a property of a contract declares; its keys are taken. A property without a type that is known
    /// is text, and that is named as a loss.
    pub(crate) fn declared(property: &View<'_>) -> Self {
        let logical = property.get("logicalType").and_then(|view| view.value.as_str());
        let physical = property.get("physicalType");
        let options = property.get("logicalTypeOptions");
        let format = options.as_ref().and_then(|options| options.get("format"));
        let format_word = format.as_ref().and_then(|view| view.value.as_str()).unwrap_or_default();
        let named = physical
            .as_ref()
            .and_then(|view| view.value.as_str())
            .and_then(|text| Self::from_sql(text, Dialect::Spark))
            // A bare `float` is as wide as the column that a contract makes of it; `real` has 32 bits.
            .map(|kind| match physical.as_ref().and_then(|view| view.value.as_str()) {
                Some(text) if kind == Self::Float32 && is_bare_float(text) => Self::Float64,
                _ => kind,
            });
        let by_logical = |logical: &str| match logical {
            "boolean" => Self::Boolean,
            "integer" => match format_word {
                "i8" => Self::Integer { bits: 8, signed: true },
                "i16" => Self::Integer { bits: 16, signed: true },
                "i64" => INT64,
                "u8" => Self::Integer { bits: 8, signed: false },
                "u16" => Self::Integer {
                    bits: 16,
                    signed: false,
                },
                "u32" => UINT32,
                "u64" => UINT64,
                "i128" | "u128" => Self::Decimal {
                    precision: 38,
                    scale: 0,
                },
                _ => INT32,
            },
            "number" if format_word == "f32" => Self::Float32,
            "number" => Self::Float64,
            "date" => Self::Date,
            // Also where its texts carry no offset: they are read in its zone.
            "timestamp" => Self::Timestamp,
            "time" => Self::Time,
            "object" => Self::Object,
            "array" => Self::Array,
            "map" => Self::Map,
            _ if format_word == "uuid" => Self::Uuid,
            _ => Self::String,
        };
        let kind = match (logical, named) {
            (Some(logical @ ("object" | "array" | "map")), _) => by_logical(logical),
            (Some(logical), Some(named)) if named.fits(logical) => {
                // `string` beside a format says less than the format.
                let declared = by_logical(logical);
                if named == Self::String && declared == Self::Uuid {
                    declared
                } else {
                    named
                }
            }
            (Some(logical), named) => {
                if let (Some(named), Some(physical)) = (named, &physical) {
                    physical.lose(format!("contradicts the logical type: it would be {}", named.shown()));
                }
                by_logical(logical)
            }
            (None, Some(named)) => named,
            (None, None) if property.get("properties").is_some() => Self::Object,
            (None, None) if property.get("items").is_some() => Self::Array,
            (None, None) if property.get("map").is_some() => Self::Map,
            (None, None) => {
                let what = physical
                    .as_ref()
                    .map_or("no type".to_owned(), |view| view.value.to_string());
                property.lose_part("", what, "a value of no known type is written as text");
                Self::String
            }
        };
        property.take("logicalType");
        // A length or precision in the type is more than the kind says, and so is a word that nobody knows: who keeps it
        // takes it.
        let says_more = physical
            .as_ref()
            .and_then(|view| view.value.as_str())
            .is_some_and(|text| {
                // Of one character, of 24 bits, of values that are listed elsewhere.
                let narrow = ["char", "nchar", "character", "mediumint", "enum"];
                let narrow = narrow.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
                narrow || (text.contains('(') && !matches!(kind, Self::Decimal { .. }))
            });
        let is_said = named.is_some_and(|named| named == kind || (named, kind) == (Self::String, Self::Uuid));
        if is_said && !says_more {
            property.take("physicalType");
        }
        let numeric = matches!(
            kind,
            Self::Integer { .. } | Self::Float32 | Self::Float64 | Self::Decimal { .. }
        );
        // Beside a physical type of another width the format is a limit of its own.
        let is_width = logical.is_none_or(|logical| by_logical(logical) == kind);
        if let Some(format) = format.filter(|_| (numeric && is_width) || kind == Self::Uuid) {
            format.keep();
        }
        kind
    }

    /// Names what of the declared type is lost where `back` is all that the target says of it.
    pub(crate) fn settle(self, back: Self, property: &View<'_>, why: &str) {
        if self == back {
            return;
        }
        let (own, other) = (self.words(), back.words());
        // `real` and `smallint` say their width by their name.
        let format = property
            .get("logicalTypeOptions")
            .and_then(|options| options.get("format"));
        let physical = property.get("physicalType").filter(|_| format.is_none());
        let named = physical.as_ref().and_then(|view| view.value.as_str());
        for ((key, own), other) in TYPE_KEYS.iter().zip(own).zip(other) {
            if own != other {
                let (key, what) = match (*key, own, named) {
                    ("logicalTypeOptions.format", Some(_), Some(name)) => ("physicalType", name.to_owned()),
                    (key, own, _) => (key, own.unwrap_or_else(|| "not given".to_owned())),
                };
                property.lose_part(key, what, format!("{why}; written as {}", back.shown()));
            }
        }
    }

    /// The type's word for people.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Integer { bits, signed } => {
                format!("{} integer of {bits} bits", if signed { "an" } else { "an unsigned" })
            }
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Self::Float32 => "a float of 32 bits".to_owned(),
            Self::Float64 => "a float of 64 bits".to_owned(),
            Self::Boolean => "a boolean".to_owned(),
            Self::String => "text".to_owned(),
            Self::Uuid => "a UUID".to_owned(),
            Self::Binary => "bytes".to_owned(),
            Self::Date => "a date".to_owned(),
            Self::Timestamp => "an instant".to_owned(),
            Self::TimestampLocal => "a timestamp of no zone".to_owned(),
            Self::Time => "a time of day".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::Array => "a list".to_owned(),
            Self::Map => "a map".to_owned(),
        }
    }

    fn fits(self, logical: &str) -> bool {
        match logical {
            "string" => matches!(self, Self::String | Self::Uuid | Self::Binary),
            "integer" => matches!(self, Self::Integer { .. } | Self::Decimal { .. }),
            "number" => matches!(
                self,
                Self::Integer { .. } | Self::Decimal { .. } | Self::Float32 | Self::Float64
            ),
            "boolean" => self == Self::Boolean,
            "date" => self == Self::Date,
            "timestamp" => matches!(self, Self::Timestamp | Self::TimestampLocal),
            "time" => self == Self::Time,
            _ => false,
        }
    }

    /// The type that a scalar SQL type names in a dialect: the same word means different things in different engines
    /// (`timestamp` is an instant in Spark and BigQuery, and of no zone elsewhere).
    pub(crate) fn from_sql(text: &str, dialect: Dialect) -> Option<Self> {
        let lower = text.trim().to_lowercase();
        let (head, rest) = lower.split_once('(').unwrap_or((&lower, ""));
        let (inside, tail) = rest.split_once(')').unwrap_or((rest, ""));
        let words: Vec<&str> = head.split_whitespace().chain(tail.split_whitespace()).collect();
        let base = words.join(" ");
        let arguments: Vec<u32> = inside
            .split(',')
            .filter_map(|number| number.trim().parse().ok())
            .collect();
        if let Some(kind) = vendor::kind(&base, &arguments, dialect) {
            return Some(kind);
        }
        let integer = |bits| Some(Self::Integer { bits, signed: true });
        let unsigned = |bits| Some(Self::Integer { bits, signed: false });
        match base.as_str() {
            "string"
            | "text"
            | "varchar"
            | "varchar2"
            | "nvarchar"
            | "nvarchar2"
            | "char"
            | "nchar"
            | "character"
            | "bpchar"
            | "character varying"
            | "char varying"
            | "nchar varying"
            | "clob"
            | "character large object"
            | "tinytext"
            | "mediumtext"
            | "longtext"
            | "enum"
            | "citext" => Some(Self::String),
            "uuid" | "uniqueidentifier" => Some(Self::Uuid),
            "binary"
            | "varbinary"
            | "binary varying"
            | "bytes"
            | "bytea"
            | "blob"
            | "byte array"
            | "binary large object" => Some(Self::Binary),
            "tinyint" | "byteint" | "smallint" | "int" | "integer" | "bigint" if dialect == Dialect::BigQuery => {
                Some(INT64)
            }
            "tinyint" | "byteint" | "byte" => integer(8),
            "smallint" | "int2" | "int16" | "short" | "smallserial" | "serial2" => integer(16),
            "int" | "integer" | "int4" | "int32" | "mediumint" | "serial" | "serial4" => integer(32),
            "bigint" | "int8" | "int64" | "long" | "bigserial" | "serial8" => integer(64),
            "utinyint" | "uint8" | "tinyint unsigned" => unsigned(8),
            "usmallint" | "uint16" | "smallint unsigned" => unsigned(16),
            "uinteger" | "uint" | "uint32" | "int unsigned" | "integer unsigned" => unsigned(32),
            "ubigint" | "uint64" | "bigint unsigned" => unsigned(64),
            "hugeint" | "int128" => Some(Self::Decimal {
                precision: 38,
                scale: 0,
            }),
            "float4" | "float32" | "real" => Some(Self::Float32),
            "float" if matches!(dialect, Dialect::Spark | Dialect::DuckDb) => Some(Self::Float32),
            "float" if matches!(arguments.first(), Some(1..=24)) => Some(Self::Float32),
            "double" | "double precision" | "float" | "float8" | "float64" => Some(Self::Float64),
            // A scale below zero, say.
            "decimal" | "numeric" | "number" | "dec" | "bignumeric" | "bigdecimal"
                if inside.split(',').any(|number| {
                    let number = number.trim();
                    !number.is_empty() && number.parse::<u32>().is_err()
                }) =>
            {
                None
            }
            "decimal" | "numeric" | "number" | "dec" | "bignumeric" | "bigdecimal" => {
                let (precision, scale) = match *arguments.as_slice() {
                    [precision] => (precision, 0),
                    [precision, scale, ..] => (precision, scale),
                    [] => match (dialect, base.as_str()) {
                        (Dialect::Snowflake, _) => (38, 0),
                        (Dialect::BigQuery, "numeric" | "decimal") => (38, 9),
                        (Dialect::DuckDb, _) => (18, 3),
                        (Dialect::Spark, "decimal" | "dec" | "numeric") => (10, 0),
                        // Without digits it is of any precision: no type of a contract holds that.
                        _ => return None,
                    },
                };
                ((1..=38).contains(&precision) && scale <= precision).then_some(Self::Decimal { precision, scale })
            }
            "boolean" | "bool" => Some(Self::Boolean),
            "date" | "date32" => Some(Self::Date),
            "timestamp" if matches!(dialect, Dialect::Spark | Dialect::BigQuery) => Some(Self::Timestamp),
            "timestamptz"
            | "timestamp with time zone"
            | "timestamp_ltz"
            | "timestamp_tz"
            | "timestamp with local time zone" => Some(Self::Timestamp),
            "timestamp"
            | "timestamp_ntz"
            | "timestampntz"
            | "timestamp without time zone"
            | "datetime"
            | "datetime2" => Some(Self::TimestampLocal),
            "time" | "time without time zone" => Some(Self::Time),
            _ => None,
        }
    }
}

/// Whether a type is named `float`, whatever stands in brackets behind it.
fn is_bare_float(text: &str) -> bool {
    let name = text.split('(').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case("float")
}

/// Sets one of a property's `logicalTypeOptions`.
pub(crate) fn option(property: &mut Map<String, Value>, key: &str, value: Value) {
    let options = property
        .entry("logicalTypeOptions")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(options) = options.as_object_mut() {
        options.insert(key.to_owned(), value);
    }
}
