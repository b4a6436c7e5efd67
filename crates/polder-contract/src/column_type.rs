//! The type of a column that a property stands for.

use std::fmt;

use polder_core::document::Diagnostic;
use polder_core::{Error, Result};

use crate::schema::{LogicalType, Property};

/// The type of a column. What no table of ours can hold has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A binary floating-point number of 64 bits.
    Float64,
    /// An exact number.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u32,
        /// Digits behind the point, at most `precision`.
        scale: u32,
    },
    /// Text.
    String,
    /// Bytes.
    Binary,
    /// A day.
    Date,
    /// An instant, in microseconds, UTC.
    Timestamp,
    /// A day and time of no zone, in microseconds.
    TimestampLocal,
    /// A time of day.
    Time,
    /// A list.
    List(Box<ColumnType>),
    /// Named fields, each with its type and whether it can be null.
    Struct(Vec<(String, ColumnType, bool)>),
    /// Keys, none of them null, each with a value.
    Map(Box<ColumnType>, Box<ColumnType>),
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Int32 => f.write_str("int"),
            Self::Int64 => f.write_str("bigint"),
            Self::Float64 => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampLocal => f.write_str("timestamp_ntz"),
            Self::Time => f.write_str("time"),
            Self::List(items) => write!(f, "array<{items}>"),
            Self::Map(key, value) => write!(f, "map<{key},{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, (name, field, _)) in fields.iter().enumerate() {
                    write!(f, "{}{name}:{field}", if index > 0 { "," } else { "" })?;
                }
                f.write_str(">")
            }
        }
    }
}

impl Property {
    /// The type of the column: the physical type where it names one that is known, held against the logical type; else
    /// by the logical type alone (`integer` by its format, by default 32 bits; `number` a double).
    ///
    /// # Errors
    /// `Document`, with the place, where there is no such type: neither type is given, they contradict each other, a
    /// decimal has no precision, an array no items, a map no key or value.
    pub fn column_type(&self) -> Result<ColumnType> {
        self.resolve().map_err(|problem| Error::document(vec![*problem]))
    }

    /// The type by the logical types alone, whatever the store calls it.
    ///
    /// # Errors
    /// As [`Property::column_type`].
    pub(crate) fn logical_column_type(&self) -> Result<ColumnType> {
        fn strip(property: &mut Property) {
            property.physical_type = None;
            property.properties.iter_mut().for_each(strip);
            property.items.as_deref_mut().into_iter().for_each(strip);
            if let Some((key, value)) = property.map.as_deref_mut() {
                strip(key);
                strip(value);
            }
        }
        let mut logical = self.clone();
        strip(&mut logical);
        logical.column_type()
    }

    /// Everything wrong with the type of this property and those inside it.
    pub(crate) fn type_problems(&self) -> Vec<Diagnostic> {
        let map = self.map.as_deref().map(|(key, value)| [key, value]);
        let inside = self
            .properties
            .iter()
            .chain(self.items.as_deref())
            .chain(map.into_iter().flatten());
        let mut problems: Vec<_> = inside.flat_map(Self::type_problems).collect();
        if problems.is_empty() {
            problems.extend(self.resolve().err().map(|problem| *problem));
        }
        problems
    }

    fn resolve(&self) -> std::result::Result<ColumnType, Box<Diagnostic>> {
        let physical = self
            .physical_type
            .as_ref()
            .map(|written| (written, Physical::read(&written.text)));
        let refuse = |message: String, help: &str| {
            let place = self
                .physical_type
                .as_ref()
                .map_or(&self.place, |written| &written.place);
            Box::new(place.error("column-type", message, Some(help)))
        };
        let named = physical.as_ref().map(|(_, physical)| physical.column());
        let column = match self.logical_type {
            // A word that nobody knows must not be passed over: it could be a decimal, misspelt.
            logical if named == Some(None) && !logical.is_some_and(LogicalType::is_compound) => {
                let written = self.physical_type.as_ref().map_or("", |written| &written.text);
                let message = format!(
                    "`{}` has the physical type `{written}`, which is not known",
                    self.shown()
                );
                return Err(refuse(message, KNOWN_TYPES));
            }
            None => match named {
                Some(Some(column)) => column,
                _ => return Err(refuse(format!("`{}` has no type", self.shown()), "add `logicalType`")),
            },
            Some(LogicalType::Object) => {
                if self.properties.is_empty() {
                    let message = format!("the object `{}` has no properties", self.shown());
                    return Err(refuse(
                        message,
                        "name its fields under `properties`, or declare it as a string",
                    ));
                }
                let fields = self.properties.iter().map(|property| {
                    property
                        .resolve()
                        .map(|column| (property.name.clone(), column, !property.required))
                });
                return Ok(ColumnType::Struct(fields.collect::<std::result::Result<_, _>>()?));
            }
            Some(LogicalType::Array) => match &self.items {
                Some(items) => return Ok(ColumnType::List(Box::new(items.resolve()?))),
                None => {
                    return Err(refuse(
                        format!("the array `{}` has no items", self.shown()),
                        "describe them under `items`",
                    ));
                }
            },
            Some(LogicalType::Map) => match self.map.as_deref() {
                Some((key, value)) => {
                    return Ok(ColumnType::Map(Box::new(key.resolve()?), Box::new(value.resolve()?)));
                }
                None => {
                    return Err(refuse(
                        format!("the map `{}` has no key and value", self.shown()),
                        "describe them under `map`",
                    ));
                }
            },
            Some(logical) => match named.flatten() {
                Some(column) if fits(logical, &column) => column,
                Some(column) => {
                    let message = format!(
                        "`{}` is {} by its logical type, but {column} by its physical type",
                        self.shown(),
                        logical.as_str()
                    );
                    return Err(refuse(message, "make them agree, or leave the physical type out"));
                }
                None => self.by_logical_type(logical).ok_or_else(|| {
                    refuse(
                        format!("`{}` has integers of 128 bits", self.shown()),
                        "use physicalType: decimal(38,0)",
                    )
                })?,
            },
        };
        if let Some((_, physical)) = &physical
            && matches!(physical.base.as_str(), "decimal" | "numeric" | "number" | "dec")
        {
            return physical.decimal().ok_or_else(|| {
                let message = format!(
                    "the decimal `{}` needs its digits: 1 to 38, and how many behind the point",
                    self.shown()
                );
                refuse(message, "write physicalType: decimal(12,2)")
            });
        }
        Ok(column)
    }

    fn by_logical_type(&self, logical: LogicalType) -> Option<ColumnType> {
        let format = self.options.format.as_ref().map_or("", |format| format.text.as_str());
        Some(match logical {
            LogicalType::Integer => match format {
                "i64" | "u32" => ColumnType::Int64,
                "u64" => ColumnType::Decimal {
                    precision: 20,
                    scale: 0,
                },
                "i128" | "u128" => return None,
                _ => ColumnType::Int32,
            },
            LogicalType::Number => ColumnType::Float64,
            LogicalType::Boolean => ColumnType::Boolean,
            LogicalType::Date => ColumnType::Date,
            LogicalType::Timestamp => ColumnType::Timestamp,
            LogicalType::Time => ColumnType::Time,
            // Compound types are resolved before.
            LogicalType::String | LogicalType::Object | LogicalType::Array | LogicalType::Map => ColumnType::String,
        })
    }

    pub(crate) fn shown(&self) -> &str {
        if self.name.is_empty() { "items" } else { &self.name }
    }
}

const KNOWN_TYPES: &str = "known: string, binary, int, bigint, double, decimal(p,s), boolean, date, timestamp, \
                           timestamp_ntz, time, and their names in SQL";

/// Whether a column of this type can hold values of the logical type.
fn fits(logical: LogicalType, column: &ColumnType) -> bool {
    use ColumnType as C;
    match logical {
        LogicalType::String => matches!(column, C::String | C::Binary),
        LogicalType::Integer => matches!(column, C::Int32 | C::Int64 | C::Decimal { .. }),
        LogicalType::Number => matches!(column, C::Int32 | C::Int64 | C::Float64 | C::Decimal { .. }),
        LogicalType::Boolean => matches!(column, C::Boolean),
        LogicalType::Date => matches!(column, C::Date),
        LogicalType::Timestamp => matches!(column, C::Timestamp | C::TimestampLocal),
        LogicalType::Time => matches!(column, C::Time),
        LogicalType::Object | LogicalType::Array | LogicalType::Map => false,
    }
}

/// A physical type in its parts: `decimal(12, 3)` is `decimal` and 12, 3.
struct Physical {
    base: String,
    arguments: Vec<u32>,
}

impl Physical {
    fn read(text: &str) -> Self {
        let lower = text.trim().to_lowercase();
        let (head, rest) = lower.split_once('(').unwrap_or((&lower, ""));
        // Labels may have brackets in them.
        let close = match head.trim() {
            "enum" => rest.rfind(')'),
            _ => rest.find(')'),
        };
        let (inside, tail) = close.map_or((rest, ""), |close| (&rest[..close], &rest[close + 1..]));
        let words: Vec<_> = head.split_whitespace().chain(tail.split_whitespace()).collect();
        let numbers: Option<Vec<u32>> = inside.split(',').map(|number| number.trim().parse().ok()).collect();
        Self {
            base: words.join(" "),
            arguments: numbers.unwrap_or_default(),
        }
    }

    /// The type of the column, where the word is one that SQL engines, Delta or Avro commonly use.
    fn column(&self) -> Option<ColumnType> {
        Some(match self.base.as_str() {
            "string" | "text" | "varchar" | "varchar2" | "nvarchar" | "char" | "nchar" | "character" | "uuid"
            | "character varying" | "enum" | "clob" => ColumnType::String,
            "binary" | "varbinary" | "bytes" | "bytea" | "blob" => ColumnType::Binary,
            "int" | "integer" | "int4" | "int32" | "smallint" | "int2" | "int16" | "short" | "tinyint" | "byte"
            | "mediumint" => ColumnType::Int32,
            "bigint" | "int8" | "int64" | "long" => ColumnType::Int64,
            "double" | "double precision" | "float" | "float4" | "float8" | "float32" | "float64" | "real" => {
                ColumnType::Float64
            }
            // Without its digits it is refused later, at the place where it is written.
            "decimal" | "numeric" | "number" | "dec" => self.decimal().unwrap_or(ColumnType::Decimal {
                precision: 38,
                scale: 0,
            }),
            "boolean" | "bool" => ColumnType::Boolean,
            "date" => ColumnType::Date,
            "timestamp" | "timestamptz" | "timestamp with time zone" | "timestamp_ltz" => ColumnType::Timestamp,
            "timestamp_ntz" | "timestamp without time zone" | "datetime" | "datetime2" => ColumnType::TimestampLocal,
            "time" | "time without time zone" => ColumnType::Time,
            _ => return None,
        })
    }

    fn decimal(&self) -> Option<ColumnType> {
        let (precision, scale) = match *self.arguments.as_slice() {
            [precision] => (precision, 0),
            [precision, scale] => (precision, scale),
            _ => return None,
        };
        ((1..=38).contains(&precision) && scale <= precision).then_some(ColumnType::Decimal { precision, scale })
    }
}
