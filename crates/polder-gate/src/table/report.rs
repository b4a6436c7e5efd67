//! What the rules of a contract found in a table.

use polder_contract::Place;
use polder_contract::rule::{Figure, OnFailure, RuleSeverity};

/// The findings about one table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableReport {
    /// Rows of the table; `None` where nobody counted them.
    pub rows: Option<u64>,
    /// One result a declared rule, in the contract's order; before them one a column for its type, where the rules
    /// about rows were asked for.
    pub results: Vec<RuleResult>,
}

impl TableReport {
    /// Results with this verdict; of `NotRun` whatever the reason.
    pub fn count(&self, verdict: &RuleVerdict) -> usize {
        let same = |result: &&RuleResult| std::mem::discriminant(&result.verdict) == std::mem::discriminant(verdict);
        self.results.iter().filter(same).count()
    }

    /// Columns whose type in the table cannot become the contract's: no rule that reads them was run.
    pub fn refused_columns(&self) -> impl Iterator<Item = &str> {
        let refused = self.results.iter().filter(|result| result.how == How::Schema);
        refused.filter_map(|result| result.column.as_deref())
    }
}

/// What one rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleResult {
    /// The rule's id, as violations of the same rule at the write carry it.
    pub rule: String,
    /// The path of the value that it is about; none for rules of the whole table.
    pub column: Option<String>,
    /// The dimension of quality, as declared.
    pub dimension: Option<String>,
    /// How much a failure weighs.
    pub severity: RuleSeverity,
    /// What happens where it fails.
    pub on_failure: OnFailure,
    /// Whether the table keeps it.
    pub verdict: RuleVerdict,
    /// What was measured: of row rules the failing rows, of set rules the figure that was compared.
    pub figure: Option<Figure>,
    /// The figure as people read it, where that is not the figure itself: `2 hours` for 7200 seconds.
    pub figure_in_words: Option<String>,
    /// What is asked, in words.
    pub says: String,
    /// The figure of a set rule in words, beside what is asked: `50 percent null values, asked: less than 5`.
    pub measured: Option<String>,
    /// Why there is no figure, or what it was compared with, where that is not in `says`.
    pub note: Option<String>,
    /// Whether the note is what an engine said that stumbled over rows: it may quote their values.
    pub note_quotes: bool,
    /// Rows that break the rule, where it is one about rows.
    pub failing_rows: Option<u64>,
    /// Where the figure comes from.
    pub how: How,
    /// Where the rule is declared.
    pub place: Place,
}

/// Whether a table keeps a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleVerdict {
    /// It does.
    Passed,
    /// It does not; or the rule could not be run although it is one for Polder, and the note says why.
    Failed,
    /// It does not, and the rule only warns.
    Warned,
    /// Nobody looked, and why.
    NotRun(String),
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// From the rows.
    Scan,
    /// From what the table's log or files say of themselves.
    Statistics,
    /// From the types of the table's columns.
    Schema,
    /// From a query, or another table.
    Query,
}

impl How {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Statistics => "statistics",
            Self::Schema => "schema",
            Self::Query => "query",
        }
    }
}
