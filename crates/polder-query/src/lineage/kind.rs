//! Of which kind values are.

use std::fmt;

use datafusion::arrow::datatypes::DataType;

/// What values are, as far as it changes what comes of them. How many digits or letters there may be does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Whole numbers of at most 32 bits, where what is made of them has no more room.
    Narrow,
    /// Whole numbers that became text, where it matters how they were written.
    Digits,
    /// Exact numbers with so many digits behind the point.
    Decimal(i8),
    /// Whole or exact numbers, where nothing depends on which.
    Exact,
    /// Binary numbers, where nothing depends on their bits.
    Approximate,
    /// Numbers, where nothing depends on of which type.
    Number,
    /// Binary numbers of 32 bits.
    Float,
    /// Binary numbers of 64 bits.
    Double,
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// Days.
    Date,
    /// Instants.
    Timestamp,
    /// Days and times of no zone.
    LocalTimestamp,
    /// Lists of such values.
    List(Box<Self>),
    /// Maps of such keys and values.
    Map(Box<Self>, Box<Self>),
    /// Objects with these fields, in this order.
    Object(Vec<(String, Self)>),
    /// Another one, by the engine's name.
    Other(String),
}

impl Kind {
    /// The kind of a type's values.
    pub fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Boolean => Self::Boolean,
            whole if whole.is_integer() => Self::Integer,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => Self::Decimal(*scale),
            DataType::Float16 | DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Binary
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, zone) => match zone {
                Some(_) => Self::Timestamp,
                None => Self::LocalTimestamp,
            },
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => Self::List(Box::new(Self::of(item.data_type()))),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(entry) if entry.len() == 2 => Self::Map(
                    Box::new(Self::of(entry[0].data_type())),
                    Box::new(Self::of(entry[1].data_type())),
                ),
                other => Self::of(other),
            },
            DataType::Struct(fields) => {
                let fields = fields.iter();
                Self::Object(
                    fields
                        .map(|field| (field.name().clone(), Self::of(field.data_type())))
                        .collect(),
                )
            }
            DataType::Dictionary(_, values) => Self::of(values),
            other => Self::Other(other.to_string()),
        }
    }

    /// The same where values are only told apart and put in order.
    pub(super) fn compared(self) -> Self {
        self.each(&|kind| match kind {
            Self::Integer | Self::Decimal(_) => Self::Exact,
            Self::Float | Self::Double => Self::Approximate,
            other => other,
        })
    }

    /// The same where values are only compared with numbers that each type of numbers holds.
    pub(super) fn held_against_numbers(self) -> Self {
        self.each(&|kind| match kind {
            Self::Integer | Self::Decimal(_) | Self::Float | Self::Double => Self::Number,
            other => other,
        })
    }

    /// The same where sums, differences and products are made of values.
    pub(super) fn reckoned(self) -> Self {
        self.each(&|kind| match kind {
            Self::Integer | Self::Decimal(_) => Self::Exact,
            other => other,
        })
    }

    /// The same where the result has to fit the type of the operands.
    pub(super) fn computed(self, of: &DataType) -> Self {
        match self {
            Self::Integer if is_narrow(of) => Self::Narrow,
            other => other.reckoned(),
        }
    }

    /// The same for text that whole numbers were cast to.
    pub(super) fn of_digits(self) -> Self {
        self.each(&|kind| match kind {
            Self::Text => Self::Digits,
            other => other,
        })
    }

    /// With another kind for each that has none inside.
    pub(super) fn each(self, to: &impl Fn(Self) -> Self) -> Self {
        match self {
            Self::List(item) => Self::List(Box::new(item.each(to))),
            Self::Map(key, value) => Self::Map(Box::new(key.each(to)), Box::new(value.each(to))),
            Self::Object(fields) => {
                let fields = fields.into_iter();
                Self::Object(fields.map(|(name, kind)| (name, kind.each(to))).collect())
            }
            plain => to(plain),
        }
    }

    /// The same with the names of fields as `called` gives them for the path of a value and the name of a field in it.
    #[must_use]
    pub fn with_names(self, path: &str, called: &impl Fn(&str) -> Option<String>) -> Self {
        match self {
            Self::List(item) => Self::List(Box::new(item.with_names(&format!("{path}[]"), called))),
            Self::Map(key, value) => Self::Map(
                Box::new(key.with_names(&format!("{path}.key"), called)),
                Box::new(value.with_names(&format!("{path}.value"), called)),
            ),
            Self::Object(fields) => {
                let fields = fields.into_iter();
                let named = fields.map(|(name, kind)| {
                    let inside = format!("{path}.{name}");
                    let kind = kind.with_names(&inside, called);
                    (called(&inside).unwrap_or(name), kind)
                });
                Self::Object(named.collect())
            }
            plain => plain,
        }
    }

    /// Whether a cast of such values gives, in another type, what they say: who casts to the type that a column has, had or
    /// will have asks the same of each.
    pub(super) fn keeps_meaning_as(&self, to: &Self) -> bool {
        let is_number = |kind: &Self| matches!(kind, Self::Integer | Self::Decimal(_) | Self::Float | Self::Double);
        match (self, to) {
            (one, other) if one == other => true,
            (Self::Text, Self::Boolean | Self::Date | Self::Timestamp | Self::LocalTimestamp)
            | (Self::Integer, Self::Text)
            | (Self::Timestamp | Self::LocalTimestamp, Self::Date) => true,
            (from, to) if is_number(to) => is_number(from) || *from == Self::Text,
            (Self::List(from), Self::List(to)) => from.keeps_meaning_as(to),
            (Self::Map(key, value), Self::Map(to_key, to_value)) => {
                key.keeps_meaning_as(to_key) && value.keeps_meaning_as(to_value)
            }
            // What only one of both has is nothing to the other.
            (Self::Object(from), Self::Object(to)) => from.iter().all(|(name, kind)| {
                let mut same = to.iter().filter(|(other, _)| other == name);
                same.all(|(_, to)| kind.keeps_meaning_as(to))
            }),
            _ => false,
        }
    }

    /// Whether a cast writes whole numbers out: other text may have said the same (`01` and `1`).
    pub(super) fn is_written_as(&self, to: &Self) -> bool {
        match (self, to) {
            (Self::Integer, Self::Text) => true,
            (Self::List(from), Self::List(to)) => from.is_written_as(to),
            (Self::Map(key, value), Self::Map(to_key, to_value)) => {
                key.is_written_as(to_key) || value.is_written_as(to_value)
            }
            (Self::Object(from), Self::Object(to)) => from.iter().any(|(name, kind)| {
                let mut same = to.iter().filter(|(other, _)| other == name);
                same.any(|(_, to)| kind.is_written_as(to))
            }),
            _ => false,
        }
    }

    /// Whether these are numbers that can have a fraction.
    #[must_use]
    pub fn has_fractions(&self) -> bool {
        match self {
            Self::Decimal(scale) => *scale > 0,
            other => matches!(other, Self::Float | Self::Double),
        }
    }
}

/// Whether a type holds whole numbers of at most 32 bits alone.
#[must_use]
pub fn is_narrow(kind: &DataType) -> bool {
    kind.is_integer() && kind.primitive_width().is_some_and(|bytes| bytes <= 4)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::Integer => f.write_str("whole numbers"),
            Self::Narrow => f.write_str("whole numbers of 32 bits"),
            Self::Digits => f.write_str("the digits of whole numbers"),
            Self::Decimal(scale) => write!(f, "exact numbers of {scale} digits behind the point"),
            Self::Exact => f.write_str("exact numbers"),
            Self::Approximate => f.write_str("binary numbers (double)"),
            Self::Number => f.write_str("numbers"),
            Self::Float => f.write_str("numbers of 32 bits (float)"),
            Self::Double => f.write_str("numbers of 64 bits (double)"),
            Self::Text => f.write_str("text"),
            Self::Binary => f.write_str("bytes"),
            Self::Date => f.write_str("days"),
            Self::Timestamp => f.write_str("instants"),
            Self::LocalTimestamp => f.write_str("times of no zone"),
            Self::List(item) => write!(f, "lists of {item}"),
            Self::Map(key, value) => write!(f, "maps from {key} to {value}"),
            Self::Object(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
                write!(f, "objects of ({})", fields.join(", "))
            }
            Self::Other(name) => f.write_str(name),
        }
    }
}
