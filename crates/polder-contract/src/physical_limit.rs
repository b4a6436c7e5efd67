//! What the name of a physical type asks of values beyond the type of the column: `varchar(3)`, `smallint`, `uuid`.

use crate::format::{NumberWidth, TextFormat};

/// A limit in the name of a type whose column could hold more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PhysicalLimit {
    /// At most so many characters, or bytes where the type is one of bytes.
    Length(u64),
    /// Text of at most so many bytes, `varchar2(20 byte)`: nothing here counts those.
    BytesOfText(u64),
    /// Numbers of this width. `tinyint` has a sign, as in Delta and Spark; a bare `float` is as wide as its column.
    Width(NumberWidth),
    /// Text of this format, `uuid`.
    Format(TextFormat),
    /// One of these, `enum('a','b')`.
    Listed(Vec<String>),
    /// So many digits of a second, `timestamp(3)`: nothing here counts those.
    SecondDigits(u32),
    /// A limit that cannot be read, in the words of the contract.
    Unread(String),
}

/// What columns of dates and times hold.
const DIGITS_OF_SECONDS: u32 = 6;

impl PhysicalLimit {
    /// The limit in a type's name, if there is one. The widths of `int` and `bigint` are those of their columns, and
    /// a number behind them, `int(11)`, says how many digits are shown.
    pub(crate) fn read(physical: &str) -> Option<Self> {
        let written = physical.trim();
        let (head, rest) = match written.split_once('(') {
            Some((head, rest)) => (head, Some(rest)),
            None => (written, None),
        };
        let head = head.trim().to_lowercase();
        match head.as_str() {
            "smallint" | "int2" | "int16" | "short" => return Some(Self::Width(NumberWidth::I16)),
            "tinyint" | "byte" => return Some(Self::Width(NumberWidth::I8)),
            "mediumint" => return Some(Self::Width(NumberWidth::I24)),
            "real" | "float4" | "float32" => return Some(Self::Width(NumberWidth::F32)),
            "uuid" => return Some(Self::Format(TextFormat::Uuid)),
            "enum" => {
                let values = rest.and_then(|rest| labels(rest.rsplit_once(')')?.0));
                return Some(values.map_or_else(|| Self::Unread(written.to_owned()), Self::Listed));
            }
            // As SQL has it.
            "char" | "character" | "nchar" if rest.is_none() => return Some(Self::Length(1)),
            "time"
            | "time without time zone"
            | "timestamp"
            | "timestamptz"
            | "timestamp with time zone"
            | "timestamp without time zone"
            | "timestamp_ntz"
            | "timestamp_ltz"
            | "datetime"
            | "datetime2" => {
                let inside = rest?.split(')').next()?.trim();
                return match inside.parse() {
                    Ok(digits) => (digits < DIGITS_OF_SECONDS).then_some(Self::SecondDigits(digits)),
                    Err(_) => Some(Self::Unread(written.to_owned())),
                };
            }
            _ => {}
        }
        let of_bytes = head.contains("binary") || matches!(head.as_str(), "bytes" | "bytea" | "blob");
        let of_text = head.contains("char") || matches!(head.as_str(), "string" | "text" | "clob");
        if !of_bytes && !of_text {
            return None;
        }
        let inside = rest?.split(')').next()?.trim().to_lowercase();
        if inside == "max" {
            return None;
        }
        let (length, unit) = inside.split_once(char::is_whitespace).unwrap_or((&inside, "char"));
        let limit = match (length.parse(), unit.trim()) {
            (Ok(length), "char" | "chars" | "characters") => Self::Length(length),
            (Ok(length), "byte" | "bytes" | "octets") if of_bytes => Self::Length(length),
            (Ok(length), "byte" | "bytes" | "octets") => Self::BytesOfText(length),
            _ => Self::Unread(written.to_owned()),
        };
        Some(limit)
    }

    /// Whether this is `enum` without labels: only the contract can list its values.
    pub(crate) fn is_bare_enum(&self) -> bool {
        matches!(self, Self::Unread(name) if !name.contains('('))
    }

    /// Whether all values that keep this limit keep the other one.
    pub(crate) fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Length(own), Self::Length(other)) | (Self::BytesOfText(own), Self::BytesOfText(other)) => {
                own <= other
            }
            // A text has no more characters than bytes.
            (Self::BytesOfText(own), Self::Length(other)) => own <= other,
            (Self::Width(own), Self::Width(other)) => match (own.range(), other.range()) {
                (Some((low, high)), Some((least, greatest))) => least <= low && high <= greatest,
                _ => own == other,
            },
            (Self::Listed(own), Self::Listed(other)) => own.iter().all(|value| other.contains(value)),
            (Self::Listed(own), Self::Length(most)) => {
                let long = |value: &String| u64::try_from(value.chars().count()).is_ok_and(|long| long <= *most);
                own.iter().all(long)
            }
            // As texts are written: 32 digits and four hyphens.
            (Self::Format(TextFormat::Uuid), Self::Length(most)) => *most >= 36,
            (Self::SecondDigits(own), Self::SecondDigits(other)) => own <= other,
            (own, other) => own == other,
        }
    }
}

/// The labels of an enumeration, in quotes and apart by commas; a quote in one is doubled. None where they are written
/// otherwise: a backslash means one thing to some stores and another to others.
fn labels(inside: &str) -> Option<Vec<String>> {
    let mut rest = inside.trim();
    let mut labels = Vec::new();
    loop {
        let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
        rest = &rest[1..];
        let mut label = String::new();
        loop {
            let (before, behind) = rest.split_once(quote)?;
            label.push_str(before);
            match behind.strip_prefix(quote) {
                Some(more) => {
                    label.push(quote);
                    rest = more;
                }
                None => {
                    rest = behind.trim_start();
                    break;
                }
            }
        }
        if label.contains('\\') {
            return None;
        }
        labels.push(label);
        if rest.is_empty() {
            return Some(labels);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_types_say_what_their_values_keep() {
        use PhysicalLimit::*;
        let unread = |text: &str| Some(Unread(text.to_owned()));
        let listed = |values: &[&str]| Some(Listed(values.iter().map(|value| (*value).to_owned()).collect()));
        for (name, limit) in [
            ("varchar(3)", Some(Length(3))),
            ("CHARACTER VARYING (20)", Some(Length(20))),
            ("nchar(2)", Some(Length(2))),
            ("VARCHAR2(20 CHAR)", Some(Length(20))),
            ("varchar2(20 byte)", Some(BytesOfText(20))),
            ("varchar(3 bytes)", Some(BytesOfText(3))),
            ("varchar(3 octets)", Some(BytesOfText(3))),
            ("varbinary(16)", Some(Length(16))),
            ("varbinary(16 byte)", Some(Length(16))),
            ("STRING(10)", Some(Length(10))),
            ("smallint", Some(Width(NumberWidth::I16))),
            ("SMALLINT(6)", Some(Width(NumberWidth::I16))),
            ("tinyint", Some(Width(NumberWidth::I8))),
            ("MEDIUMINT(9)", Some(Width(NumberWidth::I24))),
            ("REAL", Some(Width(NumberWidth::F32))),
            ("float4", Some(Width(NumberWidth::F32))),
            ("Float32", Some(Width(NumberWidth::F32))),
            ("float", None),
            ("float(3,2)", None),
            ("float8", None),
            ("double", None),
            ("varchar", None),
            ("character varying", None),
            ("varchar(max)", None),
            ("char", Some(Length(1))),
            ("NCHAR", Some(Length(1))),
            ("uuid", Some(Format(TextFormat::Uuid))),
            ("int(11)", None),
            ("bigint", None),
            ("binary", None),
            ("decimal(12,2)", None),
            ("enum('a','b')", listed(&["a", "b"])),
            (
                "ENUM( 'A' , \"it's\", 'it''s (not)')",
                listed(&["A", "it's", "it's (not)"]),
            ),
            ("enum", unread("enum")),
            ("enum()", unread("enum()")),
            ("enum(a, b)", unread("enum(a, b)")),
            ("enum('a' 'b')", unread("enum('a' 'b')")),
            (r"enum('a\'b')", unread(r"enum('a\'b')")),
            ("varchar(3 furlongs)", unread("varchar(3 furlongs)")),
            ("varchar(3,4)", unread("varchar(3,4)")),
            ("varchar()", unread("varchar()")),
            ("varchar(99999999999999999999)", unread("varchar(99999999999999999999)")),
            ("timestamp(3)", Some(SecondDigits(3))),
            ("timestamp with time zone (0)", Some(SecondDigits(0))),
            ("timestamp(6) with time zone", None),
            ("datetime2(7)", None),
            ("time", None),
            ("timestamp(abc)", unread("timestamp(abc)")),
            ("TIMESTAMP() with time zone", unread("TIMESTAMP() with time zone")),
            ("time(-1)", unread("time(-1)")),
            ("datetime(3,4)", unread("datetime(3,4)")),
        ] {
            assert_eq!(PhysicalLimit::read(name), limit, "{name}");
        }
    }

    #[test]
    fn a_limit_is_within_a_wider_one_of_its_kind() {
        let within = |one: &str, other: &str| {
            PhysicalLimit::read(one)
                .unwrap()
                .within(&PhysicalLimit::read(other).unwrap())
        };
        assert!(within("varchar(3)", "char(3)") && within("varchar(3)", "text(4)"));
        assert!(within("tinyint", "smallint") && within("varchar2(3 byte)", "varchar(3)"));
        assert!(!within("varchar(4)", "varchar(3)") && !within("smallint", "tinyint"));
        assert!(!within("varchar(3)", "varchar2(3 byte)") && !within("smallint", "varchar(3)"));
        assert!(within("real", "float4") && !within("real", "smallint") && !within("smallint", "real"));
        assert!(within("smallint", "mediumint") && !within("mediumint", "smallint"));
        assert!(within("enum('a')", "enum('b','a')") && !within("enum('a','b')", "enum('a')"));
        assert!(within("enum('ab')", "varchar(2)") && !within("enum('ab')", "char"));
        assert!(within("uuid", "char(36)") && !within("uuid", "char(35)") && !within("char(36)", "uuid"));
        assert!(within("timestamp(3)", "timestamp(4)") && !within("timestamp(3)", "timestamp(0)"));
    }
}
