//! The table as it would be: judged before a commit, and committed only as it was judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use polder_contract::rule::Figure;
use polder_core::{Error, ErrorKind, Result, clock};
use polder_gate::table::{How, RuleResult, RuleVerdict};
use polder_lake::{Commit, DataFile};

use crate::delivery::Delivery;
use crate::discretion::HIDDEN;
use crate::rules::Fresh;
use crate::would_be::WouldBe;

/// How often a commit is judged anew because others committed rows meanwhile.
const RACES: u32 = 20;

impl Delivery {
    /// Reads what came into the table since the rules last looked.
    pub(crate) async fn catch_up(&mut self) -> Result<bool> {
        self.rules.catch_up(&self.table).await
    }

    pub(crate) fn fresh(&self) -> Fresh {
        self.rules.fresh()
    }

    /// What is to be said, by rule, of those that nobody here can check: no row keeps or breaks them.
    pub(crate) fn not_run(&self) -> BTreeMap<String, String> {
        let rules = self.gate.not_run().iter();
        rules.map(|(rule, why)| (rule.clone(), not_run(rule, why))).collect()
    }

    /// Asks the rules about the table as it would be with fresh rows and without these files; `add` are the fresh rows'
    /// files, which may be left out as long as no rule asks for them. Gives what somebody should know, by rule.
    ///
    /// # Errors
    /// `CheckFailed`, where a rule would not hold; `Conflict`, where the table got a key meanwhile that fresh rows have;
    /// what the lake reports.
    pub(crate) async fn judge_table(
        &mut self,
        fresh: &Fresh,
        add: &[DataFile],
        remove: &[DataFile],
    ) -> Result<BTreeMap<String, String>> {
        let mut remarks = self.not_run();
        if !self.rules.guard() {
            return Ok(remarks);
        }
        if self.catch_up().await? && self.rules.clash(fresh) {
            let message = format!("others brought rows with the same keys into {}", self.dataset);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let would_be = WouldBe {
            table: &self.table,
            add,
            remove,
        };
        let now = clock::now();
        let report = self.rules.report(&would_be, fresh, self.queries.as_ref(), now).await?;
        let (mut failed, mut warned) = (Vec::new(), Vec::new());
        for result in report.into_iter().flat_map(|report| report.results) {
            match &result.verdict {
                RuleVerdict::Passed => {}
                RuleVerdict::Failed => failed.push(result),
                RuleVerdict::Warned => warned.push(result),
                RuleVerdict::NotRun(why) => {
                    let text = not_run(&result.rule, why);
                    remarks.insert(result.rule, text);
                }
            }
        }
        if self.is_terse && !warned.is_empty() {
            let no_worse = self
                .rules
                .tolerated(&would_be, &warned, self.queries.as_ref(), now)
                .await?;
            warned.retain(|result| !no_worse.contains_key(&result.rule));
        }
        let mut tolerated = BTreeMap::new();
        if !failed.is_empty() {
            tolerated = self
                .rules
                .tolerated(&would_be, &failed, self.queries.as_ref(), now)
                .await?;
        }
        // What is compared is known by now; from here on it is told.
        self.hide_figures(&would_be, &mut warned).await;
        self.hide_figures(&would_be, &mut failed).await;
        remarks.extend(
            warned
                .iter()
                .map(|result| (result.rule.clone(), format!("only a warning: {}", sentence(result)))),
        );
        failed.retain(|result| match tolerated.get(&result.rule) {
            Some(why) => {
                let why = why.in_words(!is_hidden(result));
                remarks.insert(result.rule.clone(), format!("{}; {why}", sentence(result)));
                false
            }
            None => true,
        });
        if !failed.is_empty() {
            return Err(self.refusal(&would_be, &failed).await);
        }
        for remark in remarks.values() {
            // Whoever delivers is given them, and shows them.
            tracing::info!(dataset = %self.dataset, origin = %self.origin, "{remark}");
        }
        Ok(remarks)
    }

    /// Takes out of results what not everybody may see.
    async fn hide_figures(&self, would_be: &WouldBe<'_>, results: &mut [RuleResult]) {
        if results.iter().all(|result| result.how != How::Query) {
            return;
        }
        // Queries were asked of the same rows, so they are at hand.
        if let Ok(rows) = would_be.rows() {
            self.discretion
                .hide_figures(&self.contract, results, self.queries.as_ref(), &rows)
                .await;
        }
    }

    /// The error of a commit that the contract does not allow.
    async fn refusal(&self, would_be: &WouldBe<'_>, failed: &[RuleResult]) -> Error {
        let mut said = String::new();
        for result in failed {
            if !said.is_empty() {
                said.push_str("; ");
            }
            said.push_str(&sentence(result));
            if !self.discretion.tells_keys(&self.contract, &self.gate, &result.rule) {
                continue;
            }
            match self.rules.repeated_keys(&self.contract, &result.rule, would_be).await {
                Ok(keys) if !keys.is_empty() => {
                    let _ = write!(said, " (such as {})", keys.join(", "));
                }
                // What stands in the way of an example stands in nobody's way.
                _ => {}
            }
        }
        let message = format!(
            "the contract of {}, version {}, refuses what {} delivers: {said}",
            self.dataset,
            self.contract.version(),
            self.origin
        );
        Error::new(ErrorKind::CheckFailed, message).with_help(format!(
            "nothing was committed: {}, or let the rule only warn (`polder.onFailure: warn`)",
            remedy(failed)
        ))
    }

    /// Commits rows that were judged. Where others brought rows meanwhile, the table is judged anew; it becomes
    /// what was judged, or stays as it is. Gives the version.
    ///
    /// # Errors
    /// As [`judge_table`](Self::judge_table) and the lake's commit.
    pub(crate) async fn commit_judged(&mut self, commit: Commit, fresh: Fresh) -> Result<u64> {
        let changes_rows = !commit.add.is_empty() || !commit.remove.is_empty();
        if !self.rules.guard() || !changes_rows {
            return Ok(self.table.commit(commit).await?.version());
        }
        let mut races = 0;
        loop {
            if !self.rules.know(&self.table) {
                self.judge_table(&fresh, &commit.add, &commit.remove).await?;
            }
            match self.table.commit_if_unchanged(commit.clone()).await {
                Ok(committed) => {
                    let version = committed.version();
                    self.rules.settle(fresh, version, !commit.remove.is_empty());
                    return Ok(version);
                }
                Err(error) if error.kind() == ErrorKind::Conflict && races < RACES => {
                    races += 1;
                    if !commit.remove.is_empty() || !self.is_next(&commit).await? {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the table's progress is still what the commit follows.
    async fn is_next(&self, commit: &Commit) -> Result<bool> {
        for progress in &commit.progress {
            if self.table.progress(&progress.id).await? != progress.expected {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes files that no commit names. What cannot be removed is left to maintenance.
    pub(crate) async fn forget(&self, files: &[DataFile]) {
        if let Err(error) = self.table.forget(files).await {
            tracing::warn!(dataset = %self.dataset, error = %error.report(), "files of rows that were not committed are left behind");
        }
    }
}

/// That nobody held anything against a rule.
fn not_run(rule: &str, why: &str) -> String {
    format!("rule {rule} was not run: {why}")
}

/// Whether the figure of a rule is one that is not told.
pub(crate) fn is_hidden(result: &RuleResult) -> bool {
    result
        .figure
        .as_ref()
        .is_some_and(|figure| *figure == Figure::Text(HIDDEN.to_owned()))
}

/// Whether it is a rule whose query gave no figure, because it could not be run.
fn failed_to_run(result: &RuleResult) -> bool {
    result.how == How::Query && result.figure.is_none()
}

/// What to do about rules that do not hold. Of one that failed to run the rows may keep what it asks.
fn remedy(failed: &[RuleResult]) -> &'static str {
    match failed.iter().filter(|result| failed_to_run(result)).count() {
        0 => "mend the rows or what computes them",
        all if all == failed.len() => "mend the rule or what it reads",
        _ => "mend the rows or what computes them, and the rule that failed to run or what it reads",
    }
}

/// What a rule found, in words.
fn sentence(result: &RuleResult) -> String {
    // A number that Polder gave to one of several rules without a name is nowhere in the document.
    let place = match result.rule.contains('#') {
        true => format!(" ({}:{})", result.place.file.display(), result.place.span.line),
        false => String::new(),
    };
    let mut text = match &result.measured {
        Some(measured) => format!("rule {}{place}: it would be {measured}", result.rule),
        None if failed_to_run(result) => {
            let why = result.note.as_deref().unwrap_or("it failed to run");
            return format!("rule {}{place}: {why}; asked is {}", result.rule, result.says);
        }
        None => format!("rule {}{place}: {}", result.rule, result.says),
    };
    if let Some(note) = &result.note {
        let _ = write!(text, " ({note})");
    }
    text
}

#[cfg(test)]
mod tests {
    use polder_contract::Place;
    use polder_contract::rule::{OnFailure, RuleSeverity};
    use polder_core::document::Span;

    use super::*;

    fn result(figure: Option<i128>, note: Option<&str>) -> RuleResult {
        RuleResult {
            rule: "balanced".to_owned(),
            column: None,
            dimension: None,
            severity: RuleSeverity::Error,
            on_failure: OnFailure::Reject,
            verdict: RuleVerdict::Failed,
            figure: figure.map(Figure::Whole),
            figure_in_words: None,
            says: "the query's figure: 0".to_owned(),
            measured: figure.map(|figure| format!("{figure}, asked: 0")),
            note: note.map(str::to_owned),
            note_quotes: false,
            failing_rows: None,
            how: How::Query,
            place: Place {
                file: std::path::Path::new("a.odcs.yaml").into(),
                span: Span::default(),
            },
        }
    }

    #[test]
    fn a_query_that_gave_no_figure_is_not_told_as_one_that_gave_another() {
        assert_eq!(
            sentence(&result(Some(3), None)),
            "rule balanced: it would be 3, asked: 0"
        );
        let failed = result(None, Some("it failed to run: division by zero"));
        assert_eq!(
            sentence(&failed),
            "rule balanced: it failed to run: division by zero; asked is the query's figure: 0"
        );
        assert_eq!(remedy(std::slice::from_ref(&failed)), "mend the rule or what it reads");
        assert_eq!(remedy(&[result(Some(3), None)]), "mend the rows or what computes them");
        assert_eq!(
            remedy(&[result(Some(3), None), failed]),
            "mend the rows or what computes them, and the rule that failed to run or what it reads"
        );
    }
}
