//! What rules ask for, in words.

use polder_core::clock::AHEAD;
use polder_core::units::counted;

use super::{Figure, Metric, Operator, RowCheck, SetTest};

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
            Self::MinLength(length) => format!("it must have at least {}", counted(*length, "character")),
            Self::MaxLength(length) => format!("it must have at most {}", counted(*length, "character")),
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
    /// Whether the figure is what is asked. A newest value that is yet to come tells nothing of how old a table is.
    pub fn holds(&self, figure: &Figure) -> bool {
        !self.lies_ahead(figure) && self.operator.holds(figure)
    }

    /// Whether the figure is the age of a newest value which lies further ahead of the clock than [`AHEAD`].
    pub fn lies_ahead(&self, figure: &Figure) -> bool {
        let is_age = matches!(self.metric, Metric::Freshness { .. });
        is_age && matches!(figure, Figure::Whole(seconds) if *seconds < -i128::from(AHEAD.num_seconds()))
    }

    /// What the test asks for, in words: `no null values`, `duplicate values: less than 1 percent`.
    pub fn says(&self) -> String {
        let subject = match &self.metric {
            Metric::Sql { .. } => "the query's figure".to_owned(),
            Metric::Freshness { column, within_seconds } => {
                return format!("the newest {column} is at most {} old", age(*within_seconds));
            }
            Metric::Volume { commits, deviation } => {
                return format!(
                    "the newest commit adds about as many rows as the {commits} before it: within {deviation} standard \
                     deviations of their mean"
                );
            }
            metric => metric.counted(true),
        };
        if self.allows_none() {
            return format!("no {subject}");
        }
        let unit = if self.percent { " percent" } else { "" };
        format!("{subject}: {}{unit}", self.operator.says())
    }

    /// What was measured beside what is asked, in words: `1 row without a match in id of sales.bronze.orders, asked:
    /// none`, `50 percent null values, asked: less than 5`.
    pub fn measured(&self, figure: &Figure) -> String {
        let one = !self.percent && *figure == Figure::Whole(1);
        let unit = if self.percent { " percent" } else { "" };
        let found = match (&self.metric, figure) {
            (Metric::Sql { .. }, _) => format!("{figure}{unit}"),
            (Metric::Freshness { column, within_seconds }, Figure::Whole(seconds)) if self.lies_ahead(figure) => {
                let days = seconds.unsigned_abs() / 86_400;
                return format!(
                    "a newest {column} that lies {} ahead of the clock and tells nothing of how old the rest is, asked: at \
                     most {} old",
                    counted(days, "day"),
                    age(*within_seconds)
                );
            }
            (Metric::Freshness { column, within_seconds }, figure) => {
                let old = match figure {
                    Figure::Whole(seconds) => u64::try_from(*seconds).map(about).ok(),
                    Figure::Null => {
                        return format!(
                            "no value of {column}, asked: the newest at most {} old",
                            age(*within_seconds)
                        );
                    }
                    _ => None,
                };
                let old = old.unwrap_or_else(|| counted(figure, "second"));
                return format!(
                    "{old} since the newest {column}, asked: at most {}",
                    age(*within_seconds)
                );
            }
            (Metric::Volume { commits, deviation }, _) => {
                return format!(
                    "{} from the mean of the {} before, asked: at most {deviation}",
                    counted(figure, "standard deviation"),
                    counted(commits, "commit")
                );
            }
            (metric, _) => format!("{figure}{unit} {}", metric.counted(!one)),
        };
        let asked = if self.allows_none() {
            "none".to_owned()
        } else {
            self.operator.says()
        };
        format!("{found}, asked: {asked}")
    }

    /// The figure as people read it, where that is not the figure itself: an age in the units that it has.
    pub fn figure_in_words(&self, figure: &Figure) -> Option<String> {
        match (&self.metric, figure) {
            (Metric::Freshness { .. }, Figure::Whole(seconds)) => Some(match u64::try_from(*seconds) {
                Ok(seconds) => about(seconds),
                Err(_) => {
                    let ahead = u64::try_from(seconds.unsigned_abs()).unwrap_or(u64::MAX);
                    format!("{} ahead of the clock", about(ahead))
                }
            }),
            (Metric::Freshness { .. }, Figure::Null) => Some("no value".to_owned()),
            _ => None,
        }
    }

    fn allows_none(&self) -> bool {
        !self.percent && self.operator == Operator::MustBe("0".to_owned()) && !matches!(self.metric, Metric::Sql { .. })
    }
}

impl Metric {
    /// What the figure counts, in words; nothing for figures that count nothing.
    fn counted(&self, several: bool) -> String {
        let s = if several { "s" } else { "" };
        match self {
            Self::Rows => format!("row{s}"),
            Self::Nulls { .. } => format!("null value{s}"),
            Self::Missing { .. } => format!("missing value{s}"),
            Self::Invalid { .. } => format!("invalid value{s}"),
            Self::Duplicates { columns } if columns.len() == 1 => format!("duplicate value{s}"),
            Self::Duplicates { columns } => format!("duplicate{s} of {}", columns.join(", ")),
            Self::Orphans { dataset, to, .. } => format!("row{s} without a match in {} of {dataset}", to.join(", ")),
            Self::Sql { .. } | Self::Freshness { .. } | Self::Volume { .. } => String::new(),
        }
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

/// A measured time, in its two largest units: `2 hours`, `3 days 4 hours`. Smaller ones are cut.
fn about(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in units {
        // What lies two units below the largest does not matter any more.
        if parts.len() == 2 || (!parts.is_empty() && rest < size) {
            break;
        }
        if rest >= size {
            parts.push(counted(rest / size, unit));
            rest %= size;
        }
    }
    match parts.is_empty() {
        true => counted(seconds, "second"),
        false => parts.join(" "),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_told_beside_what_is_asked() {
        let none = Operator::MustBe("0".to_owned());
        let column = || "email".to_owned();
        let told = |metric, operator, percent, figure| {
            let test = SetTest {
                metric,
                operator,
                percent,
            };
            test.measured(&figure)
        };
        let orphans = |figure| {
            let metric = Metric::Orphans {
                columns: vec!["order_id".to_owned()],
                dataset: "shop.bronze.orders".parse().unwrap(),
                to: vec!["order_id".to_owned()],
            };
            told(metric, none.clone(), false, Figure::Whole(figure))
        };
        let of_orders = "without a match in order_id of shop.bronze.orders, asked: none";
        assert_eq!(orphans(1), format!("1 row {of_orders}"));
        assert_eq!(orphans(2), format!("2 rows {of_orders}"));
        let half = Operator::LessThan("50".to_owned());
        assert_eq!(
            told(Metric::Nulls { column: column() }, half, true, Figure::Real(50.0)),
            "50 percent null values, asked: less than 50"
        );
        let fresh = Metric::Freshness {
            column: column(),
            within_seconds: 86_400,
        };
        assert_eq!(
            told(
                fresh,
                Operator::LessOrEqual("86400".to_owned()),
                false,
                Figure::Whole(90_000)
            ),
            "1 day 1 hour since the newest email, asked: at most 1 day"
        );
        let fresh = SetTest {
            metric: Metric::Freshness {
                column: column(),
                within_seconds: 86_400,
            },
            operator: Operator::LessOrEqual("86400".to_owned()),
            percent: false,
        };
        for (seconds, words) in [
            (0, "0 seconds"),
            (59, "59 seconds"),
            (61, "1 minute 1 second"),
            (7_200, "2 hours"),
            (7_384, "2 hours 3 minutes"),
            (3 * 86_400 + 59, "3 days"),
            (3 * 86_400 + 4 * 3_600 + 59, "3 days 4 hours"),
            (-90, "1 minute 30 seconds ahead of the clock"),
        ] {
            let said = fresh.figure_in_words(&Figure::Whole(seconds));
            assert_eq!(said.as_deref(), Some(words), "{seconds}");
        }
        assert_eq!(fresh.figure_in_words(&Figure::Null).as_deref(), Some("no value"));
        assert_eq!(
            fresh.measured(&Figure::Null),
            "no value of email, asked: the newest at most 1 day old"
        );
        // A day ahead is still a matter of clocks and of dates.
        assert!(fresh.holds(&Figure::Whole(-86_400)) && !fresh.holds(&Figure::Whole(-86_401)));
        assert_eq!(
            fresh.measured(&Figure::Whole(-3 * 86_400)),
            "a newest email that lies 3 days ahead of the clock and tells nothing of how old the rest is, asked: at most 1 \
             day old"
        );
        let query = Metric::Sql {
            query: "SELECT 1".to_owned(),
        };
        assert_eq!(told(query, none.clone(), false, Figure::Whole(1)), "1, asked: 0");
    }
}
