//! Words of `logicalTypeOptions.format`: widths of numbers and formats of text.

/// The width of a number by the standard's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberWidth {
    /// 8 bits, signed.
    I8,
    /// 16 bits, signed.
    I16,
    /// 24 bits, signed: a column of MySQL's `mediumint`. The standard has no word for it.
    I24,
    /// 32 bits, signed.
    I32,
    /// 64 bits, signed.
    I64,
    /// 128 bits, signed.
    I128,
    /// 8 bits, not signed.
    U8,
    /// 16 bits, not signed.
    U16,
    /// 32 bits, not signed.
    U32,
    /// 64 bits, not signed.
    U64,
    /// 128 bits, not signed.
    U128,
    /// Binary floating point of 32 bits: the magnitude is at most its greatest finite number; digits may be lost.
    F32,
    /// Binary floating point of 64 bits.
    F64,
}

/// A format of text that a check exists for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// A UUID (RFC 9562).
    Uuid,
    /// A mail address as HTML defines one for its input fields.
    Email,
    /// An IPv4 address, dotted.
    Ipv4,
    /// An IPv6 address (RFC 4291).
    Ipv6,
    /// A host name (RFC 1123).
    Hostname,
    /// An absolute URI (RFC 3986): a scheme and what it needs, no spaces.
    Uri,
    /// Bytes in base 64 (RFC 4648), with padding.
    Byte,
    /// A JSON value (RFC 8259).
    Json,
    /// A day, `YYYY-MM-DD` (RFC 3339).
    Date,
    /// An instant with its offset (RFC 3339).
    DateTime,
    /// A time of day, with an offset or without (RFC 3339).
    Time,
    /// A span of time (ISO 8601), such as `P3DT4H`.
    Duration,
}

const WIDTHS: [(&str, NumberWidth); 12] = [
    ("i8", NumberWidth::I8),
    ("i16", NumberWidth::I16),
    ("i32", NumberWidth::I32),
    ("i64", NumberWidth::I64),
    ("i128", NumberWidth::I128),
    ("u8", NumberWidth::U8),
    ("u16", NumberWidth::U16),
    ("u32", NumberWidth::U32),
    ("u64", NumberWidth::U64),
    ("u128", NumberWidth::U128),
    ("f32", NumberWidth::F32),
    ("f64", NumberWidth::F64),
];

impl NumberWidth {
    /// The standard's word, such as `u16`; `i24` in its manner.
    pub fn as_str(self) -> &'static str {
        WIDTHS
            .iter()
            .find(|(_, width)| *width == self)
            .map_or("i24", |(word, _)| word)
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        WIDTHS.iter().find(|(known, _)| *known == word).map(|(_, width)| *width)
    }

    /// The least and the greatest whole number of this width, as far as 128 bits with a sign reach; none for floating
    /// point.
    pub fn range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::I8 => (i8::MIN.into(), i8::MAX.into()),
            Self::I16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I24 => (-(1 << 23), (1 << 23) - 1),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 => (i64::MIN.into(), i64::MAX.into()),
            Self::I128 => (i128::MIN, i128::MAX),
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
            Self::U128 => (0, i128::MAX),
            Self::F32 | Self::F64 => return None,
        })
    }
}

/// Every word with its format: those of the standard, then those that JSON Schema uses for the same things.
const FORMATS: [(&str, TextFormat); 15] = [
    ("uuid", TextFormat::Uuid),
    ("email", TextFormat::Email),
    ("ipv4", TextFormat::Ipv4),
    ("ipv6", TextFormat::Ipv6),
    ("hostname", TextFormat::Hostname),
    ("uri", TextFormat::Uri),
    ("byte", TextFormat::Byte),
    ("json", TextFormat::Json),
    ("date", TextFormat::Date),
    ("date-time", TextFormat::DateTime),
    ("time", TextFormat::Time),
    ("duration", TextFormat::Duration),
    ("url", TextFormat::Uri),
    ("base64", TextFormat::Byte),
    ("datetime", TextFormat::DateTime),
];

impl TextFormat {
    /// The word in contracts, such as `date-time`.
    pub fn as_str(self) -> &'static str {
        FORMATS
            .iter()
            .find(|(_, format)| *format == self)
            .map_or("", |(word, _)| word)
    }

    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(word, _)| *word)
    }

    /// The format of this word; else why nothing can check it.
    pub(crate) fn from_word(word: &str) -> Result<Self, String> {
        if let Some((_, format)) = FORMATS.iter().find(|(known, _)| *known == word) {
            return Ok(*format);
        }
        Err(match word {
            "password" => "`password` says how a text is to be shown, and any text can be one".to_owned(),
            "binary" => "`binary` stands for any bytes".to_owned(),
            word => format!("no check is known for the format `{word}`"),
        })
    }

    /// What a text of this format is, with its article.
    pub fn says(self) -> &'static str {
        match self {
            Self::Uuid => "a UUID",
            Self::Email => "a mail address",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Hostname => "a host name",
            Self::Uri => "a URI with its scheme",
            Self::Byte => "base 64",
            Self::Json => "JSON",
            Self::Date => "a date such as 2026-01-31",
            Self::DateTime => "an instant such as 2026-01-31T12:00:00Z",
            Self::Time => "a time such as 12:00:00",
            Self::Duration => "a span of time such as P3DT4H",
        }
    }
}
