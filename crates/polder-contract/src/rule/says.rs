//! What rules ask for, in words.

use super::{Metric, Operator, RowCheck, SetTest};

/// Listed values that are shown at most.
const SHOWN: usize = 10;

impl RowCheck {
    /// What the check asks for, as the end of a sentence about a value: `the minimum is 1`.
    pub fn says(&self) -> String {
        match self {
            Self::Required => "a value is required".to_owned(),
            Self::NotMissing(values) if values.is_empty() => "a value is required".to_owned(),
            Self::NotMissing(values) => format!("a value is required, and {} is none", listed(values, "or")),
            Self::Minimum {
                value,
                exclusive: false,
            } => format!("the minimum is {value}"),
            Self::Minimum { value, exclusive: true } => format!("it must be above {value}"),
            Self::Maximum {
                value,
                exclusive: false,
            } => format!("the maximum is {value}"),
            Self::Maximum { value, exclusive: true } => format!("it must be below {value}"),
            Self::Width(width) => format!("it must fit into {}", width.as_str()),
            Self::MultipleOf(value) => format!("it must be a multiple of {value}"),
            Self::MinLength(length) => format!("it must have at least {length} characters"),
            Self::MaxLength(length) => format!("it must have at most {length} characters"),
            Self::Pattern(pattern) => format!("it must match {pattern}"),
            Self::Format(format) => format!("it must be {}", format.says()),
            Self::OneOf(values) => {
                let shown: Vec<_> = values.iter().take(SHOWN).map(String::as_str).collect();
                let more = if values.len() > shown.len() { ", …" } else { "" };
                format!("it must be one of {}{more}", shown.join(", "))
            }
            Self::MinItems(count) => format!("it must have at least {}", counted(*count, "item")),
            Self::MaxItems(count) => format!("it must have at most {}", counted(*count, "item")),
            Self::UniqueItems => "its items must differ from each other".to_owned(),
            Self::MinProperties(count) => format!("it must have at least {}", counted(*count, "field")),
            Self::MaxProperties(count) => format!("it must have at most {}", counted(*count, "field")),
            Self::RequiredProperties(names) => format!("it must have {}", names.join(", ")),
            Self::All(checks) => {
                let each: Vec<_> = checks.iter().map(Self::says).collect();
                each.join(", and ")
            }
        }
    }
}

impl SetTest {
    /// What the test asks for, in words: `no null values`, `duplicate values: less than 1 percent`.
    pub fn says(&self) -> String {
        let subject = match &self.metric {
            Metric::Rows => "rows".to_owned(),
            Metric::Nulls { .. } => "null values".to_owned(),
            Metric::Missing { .. } => "missing values".to_owned(),
            Metric::Invalid { .. } => "invalid values".to_owned(),
            Metric::Duplicates { columns } if columns.len() == 1 => "duplicate values".to_owned(),
            Metric::Duplicates { columns } => format!("duplicates of {}", columns.join(", ")),
            Metric::Sql { .. } => "the query's figure".to_owned(),
            Metric::Orphans { dataset, to, .. } => {
                format!("rows without a match in {} of {dataset}", to.join(", "))
            }
            Metric::Freshness { column, within_seconds } => {
                return format!("the newest {column} is at most {} old", age(*within_seconds));
            }
            Metric::Volume { commits, deviation } => {
                return format!(
                    "the newest commit adds about as many rows as the {commits} before it: within {deviation} standard \
                     deviations of their mean"
                );
            }
        };
        if !self.percent
            && self.operator == Operator::MustBe("0".to_owned())
            && !matches!(self.metric, Metric::Sql { .. })
        {
            return format!("no {subject}");
        }
        let unit = if self.percent { " percent" } else { "" };
        format!("{subject}: {}{unit}", self.operator.says())
    }
}

impl Operator {
    /// What the operator asks of a figure, in words: `less than 5`.
    pub fn says(&self) -> String {
        match self {
            Self::MustBe(value) => value.clone(),
            Self::MustNotBe(value) => format!("not {value}"),
            Self::GreaterThan(bound) => format!("more than {bound}"),
            Self::GreaterOrEqual(bound) => format!("at least {bound}"),
            Self::LessThan(bound) => format!("less than {bound}"),
            Self::LessOrEqual(bound) => format!("at most {bound}"),
            Self::Between(low, high) => format!("more than {low} and less than {high}"),
            Self::NotBetween(low, high) => format!("at most {low} or at least {high}"),
        }
    }
}

fn listed(values: &[String], word: &str) -> String {
    let shown: Vec<_> = values.iter().take(SHOWN).map(|value| format!("\"{value}\"")).collect();
    match shown.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} {word} {last}", all.join(", ")),
        shown => shown.join(""),
    }
}

fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Seconds in the largest unit that has no rest.
fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
        seconds if seconds > 0 && seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    counted(count, unit)
}
