//! What the name of a physical type asks of values beyond the type of the column: `varchar(3)`, `smallint`.

use crate::format::NumberWidth;

/// A limit in the name of a type whose column could hold more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PhysicalLimit {
    /// At most so many characters, or bytes where the type is one of bytes.
    Length(u64),
    /// Text of at most so many bytes, `varchar2(20 byte)`: nothing here counts those.
    BytesOfText(u64),
    /// Whole numbers of this width. `tinyint` has a sign, as in Delta and Spark.
    Width(NumberWidth),
}

impl PhysicalLimit {
    /// The limit in a type's name, if there is one. The widths of `int` and `bigint` are those of their columns, and
    /// a number behind them, `int(11)`, says how many digits are shown.
    pub(crate) fn read(physical: &str) -> Option<Self> {
        let lower = physical.trim().to_lowercase();
        let (head, rest) = lower.split_once('(').unwrap_or((&lower, ""));
        let head = head.trim();
        match head {
            "smallint" | "int2" | "int16" | "short" => return Some(Self::Width(NumberWidth::I16)),
            "tinyint" | "byte" => return Some(Self::Width(NumberWidth::I8)),
            _ => {}
        }
        let sized = matches!(head, "string" | "text" | "clob" | "bytes" | "blob");
        if !sized && !head.contains("char") && !head.contains("binary") {
            return None;
        }
        // `varchar(max)` has no limit.
        let mut inside = rest.split(')').next()?.split_whitespace();
        let length = inside.next()?.parse().ok()?;
        match inside.next() {
            None | Some("char") => Some(Self::Length(length)),
            Some("byte") => Some(Self::BytesOfText(length)),
            Some(_) => None,
        }
    }

    /// Whether all values that keep this limit keep the other one.
    pub(crate) fn within(self, other: Self) -> bool {
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
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_types_say_what_their_values_keep() {
        use PhysicalLimit::*;
        for (name, limit) in [
            ("varchar(3)", Some(Length(3))),
            ("CHARACTER VARYING (20)", Some(Length(20))),
            ("nchar(2)", Some(Length(2))),
            ("VARCHAR2(20 CHAR)", Some(Length(20))),
            ("varchar2(20 byte)", Some(BytesOfText(20))),
            ("varbinary(16)", Some(Length(16))),
            ("STRING(10)", Some(Length(10))),
            ("smallint", Some(Width(NumberWidth::I16))),
            ("SMALLINT(6)", Some(Width(NumberWidth::I16))),
            ("tinyint", Some(Width(NumberWidth::I8))),
            ("varchar", None),
            ("varchar(max)", None),
            ("char", None),
            ("int(11)", None),
            ("bigint", None),
            ("decimal(12,2)", None),
            ("enum('a','b')", None),
            ("timestamp(3)", None),
        ] {
            assert_eq!(PhysicalLimit::read(name), limit, "{name}");
        }
    }

    #[test]
    fn a_limit_is_within_a_wider_one_of_its_kind() {
        let within = |one: &str, other: &str| {
            PhysicalLimit::read(one)
                .unwrap()
                .within(PhysicalLimit::read(other).unwrap())
        };
        assert!(within("varchar(3)", "char(3)") && within("varchar(3)", "text(4)"));
        assert!(within("tinyint", "smallint") && within("varchar2(3 byte)", "varchar(3)"));
        assert!(!within("varchar(4)", "varchar(3)") && !within("smallint", "tinyint"));
        assert!(!within("varchar(3)", "varchar2(3 byte)") && !within("smallint", "varchar(3)"));
    }
}
