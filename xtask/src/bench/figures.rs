//! Figures of several runs: medians, ratios, and tables in Markdown, as docs/benchmarks.md takes them.

/// The middle value; of an even number of values the mean of the two in the middle. 0 of none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (n, half) if n % 2 == 1 => values[half],
        (_, half) => f64::midpoint(values[half - 1], values[half]),
    }
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A whole number with commas between thousands.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table: the first column is text, the others numbers.
pub(super) struct Table {
    lines: Vec<String>,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let marks: Vec<&str> = (0..columns.len())
            .map(|i| if i == 0 { "---" } else { "---:" })
            .collect();
        let lines = vec![format!("| {} |", columns.join(" | ")), format!("|{}|", marks.join("|"))];
        Self { lines }
    }

    pub(super) fn row(&mut self, name: &str, cells: &[String]) {
        self.lines.push(format!("| {name} | {} |", cells.join(" | ")));
    }

    pub(super) fn print(&self) {
        println!("\n{}\n", self.lines.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::{median, thousands};

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
    }
}
