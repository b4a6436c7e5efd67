//! What types of MySQL, SQL Server, Oracle and Redshift say beside their kinds.

use serde_json::{Map, Value, json};

use super::{TypeReader, argument};
use crate::dialect::Dialect;
use crate::kind::{Kind, option};

const DIGITS: &str = "times in a contract are of microseconds";
const INSTANT: &str = "a contract keeps the instant, not the offset that it was written with";
const BYTES: &str = "a contract counts characters, not bytes";
const FLOAT: &str =
    "its digits have no lossless type in a contract: written as a float; give physicalType: decimal(p,s)";

/// A type in small letters: its words without the brackets, and what stands in these.
struct Words {
    base: String,
    inside: Option<String>,
}

impl Words {
    fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let (head, rest) = lower
            .split_once('(')
            .map_or((lower.as_str(), None), |(a, b)| (a, Some(b)));
        let (inside, tail) = match rest.map(|rest| rest.split_once(')').unwrap_or((rest, ""))) {
            Some((inside, tail)) => (Some(inside.trim().to_owned()), tail),
            None => (None, ""),
        };
        let words: Vec<&str> = head.split_whitespace().chain(tail.split_whitespace()).collect();
        Self {
            base: words.join(" "),
            inside,
        }
    }
}

impl TypeReader<'_> {
    /// Takes what the dialect's type says beside its kind; gives whether that is all.
    pub(super) fn said_by_vendor(&self, text: &str, kind: Kind, path: &str, out: &mut Map<String, Value>) -> bool {
        let words = Words::of(text);
        let length = argument(text);
        match self.dialect {
            Dialect::MySql => self.of_my_sql(text, &words, length, kind, path, out),
            Dialect::SqlServer => self.of_sql_server(text, &words, length, kind, path, out),
            Dialect::Oracle => self.of_oracle(text, &words, kind, path),
            Dialect::Redshift => self.of_redshift(text, &words, length, kind, path, out),
            _ => false,
        }
    }

    fn of_my_sql(
        &self,
        text: &str,
        words: &Words,
        length: Option<u64>,
        kind: Kind,
        path: &str,
        out: &mut Map<String, Value>,
    ) -> bool {
        let base = words.base.as_str();
        if base.ends_with(" unsigned") && !matches!(kind, Kind::Integer { .. }) {
            option(out, "minimum", json!(0));
        }
        match base {
            "tinyint" if kind == Kind::Boolean => {
                let why =
                    "taken for a boolean, as MySQL keeps one; where it holds other numbers, say logicalType: integer";
                self.tracker.lose(path, text, why);
                return true;
            }
            "bit" => {
                if kind == Kind::Binary {
                    self.tracker
                        .lose(path, text, "a contract has no bits: written as bytes");
                }
                return true;
            }
            "mediumint" => {
                option(out, "minimum", json!(-8_388_608));
                option(out, "maximum", json!(8_388_607));
            }
            "mediumint unsigned" => option(out, "maximum", json!(16_777_215)),
            "year" => {
                option(out, "minimum", json!(0));
                option(out, "maximum", json!(2155));
                let why = "it is 0 or one from 1901 to 2155; a contract has one range";
                self.tracker.lose(path, text, why);
                return true;
            }
            "serial" => {
                out.insert("unique".to_owned(), json!(true));
            }
            "time" => {
                let why = "written as a time of day; MySQL's is a span also, from -838:59:59 to 838:59:59";
                self.tracker.lose(path, text, why);
            }
            "timestamp" | "datetime" if length.is_none() => {
                self.tracker.lose(path, format!("{text}: whole seconds"), DIGITS);
            }
            "binary" => {
                let length = length.unwrap_or(1);
                option(out, "minLength", json!(length));
                option(out, "maxLength", json!(length));
                return true;
            }
            _ => {}
        }
        let digits = words.inside.as_deref().is_some_and(|inside| inside.contains(','));
        match kind {
            Kind::Float32 | Kind::Float64 if base.starts_with("dec") || base == "numeric" => {
                self.tracker.lose(path, text, FLOAT);
            }
            Kind::Float32 | Kind::Float64 if digits => {
                self.tracker
                    .lose(path, text, "a float of a contract has no digits that it is rounded to");
            }
            _ => {}
        }
        false
    }

    /// One of several members, with commas between them.
    pub(super) fn set(&self, members: &[String], path: &str, out: &mut Map<String, Value>) {
        Kind::String.write(out);
        let escaped: Vec<String> = members.iter().map(|member| escape(member)).collect();
        let one = format!("(?:{})", escaped.join("|"));
        option(out, "pattern", json!(format!("^(?:{one}(?:,{one})*)?$")));
        let why = "written as text of these members with commas; that none is there twice is not said";
        self.tracker.lose(path, format!("SET({})", members.join(", ")), why);
    }

    fn of_sql_server(
        &self,
        text: &str,
        words: &Words,
        length: Option<u64>,
        kind: Kind,
        path: &str,
        out: &mut Map<String, Value>,
    ) -> bool {
        match words.base.as_str() {
            "timestamp" | "rowversion" => {
                option(out, "minLength", json!(8));
                option(out, "maxLength", json!(8));
                let why = "a contract says what values are, not what a database counts";
                self.tracker.lose(path, text, why);
                return true;
            }
            "binary" => {
                let length = length.unwrap_or(1);
                option(out, "minLength", json!(length));
                option(out, "maxLength", json!(length));
                return true;
            }
            // Without a number these have 7 digits.
            "datetime2" | "time" | "datetimeoffset" => {
                if words.inside.is_none() {
                    self.tracker.lose(path, format!("{text}: 7 digits of a second"), DIGITS);
                }
                if kind == Kind::Timestamp {
                    self.tracker.lose(path, text, INSTANT);
                }
            }
            "datetime" => self.tracker.lose(path, format!("{text}: thirds of 10 ms"), DIGITS),
            "smalldatetime" => self.tracker.lose(path, format!("{text}: whole minutes"), DIGITS),
            "varchar" | "nvarchar" | "varbinary" if words.inside.is_none() => option(out, "maxLength", json!(1)),
            "char" | "varchar" | "character" | "character varying" | "char varying" if length.is_some() => {
                self.tracker.lose(path, text, BYTES);
            }
            "money" | "smallmoney" => return true,
            _ => {}
        }
        false
    }

    fn of_oracle(&self, text: &str, words: &Words, kind: Kind, path: &str) -> bool {
        let lower = text.to_lowercase();
        let base = words.base.as_str();
        match kind {
            Kind::Float64 if base != "binary_double" => {
                self.tracker.lose(path, text, FLOAT);
                return true;
            }
            Kind::TimestampLocal if base == "date" => {
                self.tracker.lose(path, format!("{text}: whole seconds"), DIGITS);
            }
            Kind::Timestamp => self.tracker.lose(path, text, INSTANT),
            Kind::String
                if matches!(
                    base,
                    "char" | "character" | "varchar" | "varchar2" | "character varying"
                ) =>
            {
                let said = ["byte", "char", "octets", "characters"];
                let inside = words.inside.as_deref().unwrap_or_default();
                if inside.contains("byte") || !said.iter().any(|unit| inside.ends_with(unit)) {
                    // Bytes are what it counts where nothing else is said.
                    if !lower.contains(" octets)") && !lower.contains(" byte)") {
                        self.tracker.lose(path, text, BYTES);
                    }
                }
            }
            _ => {}
        }
        false
    }

    fn of_redshift(
        &self,
        text: &str,
        words: &Words,
        length: Option<u64>,
        kind: Kind,
        path: &str,
        out: &mut Map<String, Value>,
    ) -> bool {
        if kind != Kind::String {
            return false;
        }
        let most = match (words.base.as_str(), length, words.inside.as_deref()) {
            (_, Some(_), _) => None,
            ("char" | "character" | "nchar", None, Some("max")) => Some(4096),
            (_, None, Some("max")) => Some(65_535),
            ("text" | "varchar" | "nvarchar" | "character varying" | "bpchar", None, _) => Some(256),
            _ => None,
        };
        if let Some(most) = most {
            option(out, "maxLength", json!(most));
        }
        self.tracker.lose(path, text, BYTES);
        false
    }
}

/// A text as a regular expression of it.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
