//! Words to which the prose of the standards, or Polder, gives a meaning where the JSON schemas take any text. A word of
//! one's own is accepted; one that is a slip of the pen away from a known one, or that would be taken for something else,
//! is a warning.

use polder_core::document::Node;

use super::{Walk, join};
use crate::version::SemanticVersion;

/// Shorter words are a slip away from anything.
const SHORTEST: usize = 4;
/// From so many letters on a slip may be two letters.
const LONG: usize = 7;
/// Nobody means a word by more letters.
const LONGEST: usize = 64;

/// The words that are known in one place.
pub(crate) struct Words {
    /// As the standard writes them.
    known: &'static [&'static str],
    /// Other words that are meant as they stand, though some are a slip away from a known one.
    also: &'static [&'static str],
    /// What becomes of any other word, where that is not what its author meant.
    otherwise: Option<&'static str>,
}

impl Words {
    const fn free(known: &'static [&'static str], also: &'static [&'static str]) -> Self {
        Self {
            known,
            also,
            otherwise: None,
        }
    }

    /// As the standard writes them.
    pub(crate) fn known(&self) -> &'static [&'static str] {
        self.known
    }

    fn knows(&self, word: &str) -> bool {
        let word = plain(word);
        self.known.iter().chain(self.also).any(|known| plain(known) == word)
    }
}

/// The statuses of contracts.
pub(crate) const STATUSES: [&str; 5] = ["proposed", "draft", "active", "deprecated", "retired"];

pub(super) const STATUS: Words = Words::free(&STATUSES, &["inactive"]);

/// Service levels of the standard by their full names; their synonyms of two letters are a slip away from anything.
pub(super) const SERVICE_LEVELS: Words = Words::free(
    &[
        "availability",
        "throughput",
        "errorRate",
        "generalAvailability",
        "endOfSupport",
        "endOfLife",
        "retention",
        "frequency",
        "latency",
        "freshness",
        "timeToDetect",
        "timeToNotify",
        "timeToRepair",
        "timeOfAvailability",
    ],
    &[],
);

pub(super) const DRIVER: Words = Words {
    known: &["regulatory", "analytics", "operational"],
    also: &[],
    otherwise: Some("the standard knows three drivers"),
};

pub(super) const SEVERITY: Words = Words {
    known: &["error", "warning", "info"],
    also: &[
        "warn",
        "information",
        "note",
        "notice",
        "critical",
        "fatal",
        "blocker",
        "high",
    ],
    otherwise: Some("it counts as `error`"),
};

/// The unit of a figure that a query gives: any is allowed.
pub(super) const FIGURE_UNIT: Words = Words::free(&["rows", "percent"], &["row", "percentage"]);

pub(super) const BUSINESS_IMPACT: Words = Words::free(&["operational", "regulatory"], &[]);
pub(super) const METHOD: Words = Words::free(&["reconciliation"], &[]);
pub(super) const SCHEDULER: Words = Words::free(&["cron"], &["chron"]);
pub(super) const ENVIRONMENT: Words = Words::free(&["prod", "preprod", "dev", "uat"], &[]);
pub(super) const TOOL: Words = Words::free(
    &["email", "slack", "teams", "discord", "ticket", "googlechat", "other"],
    &["mail", "tickets"],
);
pub(super) const SCOPE: Words = Words::free(&["interactive", "announcements", "issues", "notifications"], &[]);
pub(super) const ACCESS: Words = Words::free(&["read", "write"], &["writer", "reader"]);
pub(super) const PRICE_UNIT: Words = Words::free(&["kilobyte", "megabyte", "gigabyte", "terabyte"], &[]);
pub(super) const ROLE_IN_TEAM: Words = Words::free(&["owner", "data owner", "data steward"], &["steward"]);
pub(super) const OBJECT_TYPE: Words = Words::free(&["table", "view", "topic", "file"], &[]);
pub(super) const SYNONYM_STATUS: Words = Words::free(&["active", "deprecated"], &["inactive"]);
pub(super) const FILE_FORMAT: Words = Words::free(
    &["parquet", "delta", "json", "csv", "avro", "protobuf", "xml"],
    &["jsonl"],
);
pub(super) const DELIMITER: Words = Words::free(&["new_line", "array"], &[]);
pub(super) const PORT_CONTENT: Words = Words::free(&["discoverability", "observability", "control", "dictionary"], &[]);

/// Tools whose rules the standard names, and Polder itself, whose rules run.
pub(crate) const ENGINE: Words = Words::free(&["polder", "soda", "great-expectations", "monte-carlo"], &["folder"]);

pub(super) const CLASSIFICATION: Words = Words::free(
    &[
        "public",
        "open",
        "unclassified",
        "internal",
        "confidential",
        "strictly_confidential",
        "highly_confidential",
        "highly_restricted",
        "restricted",
        "secret",
        "sensitive",
    ],
    &["unrestricted", "publish"],
);

pub(super) const DEFINITION: Words = Words::free(
    &[
        "businessDefinition",
        "canonicalUrl",
        "glossary",
        "implementation",
        "ontology",
        "taxonomy",
        "transformationImplementation",
        "tutorial",
        "videoTutorial",
        "privacyStatement",
        "replacement",
    ],
    &["canonical"],
);

impl Walk<'_, '_> {
    /// A text, which may be a word of one's own.
    pub(super) fn word(&self, words: &Words, node: &Node, path: &str) {
        let Some(text) = self.text(node, path) else { return };
        if words.knows(text) {
            return;
        }
        let near = slip(text, words.known.iter().copied());
        if near.is_none() && words.otherwise.is_none() {
            return;
        }
        let but = words
            .otherwise
            .map_or_else(String::new, |otherwise| format!(": {otherwise}"));
        let message = format!("`{path}`: `{text}` is not known{but}");
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", words.known.join(", ")),
        };
        self.reader.warning(node.span, "unknown-word", message, Some(help));
    }
}

/// The tool of a rule: `polder` is written so, or the rule is another tool's.
pub(super) fn engine(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    match node.as_str() {
        Some(text) if text != "polder" && plain(text) == "polder" => {
            let message = format!("`{path}`: `{text}` is not known, and the rule is not run");
            let help = "did you mean `polder`?".to_owned();
            walk.reader.warning(node.span, "unknown-word", message, Some(help));
        }
        _ => walk.word(&ENGINE, node, path),
    }
}

/// A version, which the prose asks to be semantic: what changed, and whether it breaks, is told by its numbers.
pub(super) fn version(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let Some(text) = walk.text(node, path) else { return };
    if let Err(error) = text.parse::<SemanticVersion>() {
        let message = format!("`{path}`: {error}");
        walk.reader
            .warning(node.span, "unknown-version", message, error.help().map(str::to_owned));
    }
}

/// The schedule beside a scheduler: where it is for cron, it is an expression that cron understands.
pub(super) fn schedule(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let Some(written) = node.get("schedule") else { return };
    let Some(text) = written.as_str() else { return };
    let is_cron = match node.get("scheduler").and_then(Node::as_str) {
        Some(scheduler) => plain(scheduler) == "cron",
        None => super::cron::looks_like(text),
    };
    if let Some(problem) = is_cron.then(|| super::cron::problem(text)).flatten() {
        let message = format!(
            "`{}`: `{text}` is no schedule for cron: {problem}",
            join(path, "schedule")
        );
        let help = "write minute, hour, day of the month, month, day of the week: 0 20 * * *".to_owned();
        walk.reader.warning(written.span, "unknown-word", message, Some(help));
    }
}

/// The known word of which the text is a slip of the pen: a letter or two wrong, missing, too many or in the wrong order.
pub(crate) fn slip<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if text.len() > LONGEST {
        return None;
    }
    let word = plain(text);
    let numbered = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    let candidates = known.into_iter().filter_map(|candidate| {
        let known = plain(candidate);
        let letters = known.chars().count();
        // `prod2` is another environment than `prod`.
        if !(SHORTEST..=LONGEST).contains(&letters) || (numbered(&word) && !numbered(&known)) {
            return None;
        }
        let most = if letters.min(word.chars().count()) >= LONG {
            2
        } else {
            1
        };
        let distance = strsim::osa_distance(&word, &known);
        (distance <= most).then_some((distance, candidate))
    });
    candidates.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Words are the same however they are joined: `businessDefinition`, `Business definition`, `business-definition`.
pub(crate) fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_a_letter_or_two_and_other_words_are_none() {
        let cases = [
            ("aktive", Some("active")),
            ("Activ", Some("active")),
            ("depracated", Some("deprecated")),
            ("retird", Some("retired")),
            ("darft", Some("draft")),
            ("production", None),
            ("in review", None),
            ("in development", None),
            ("active2", None),
            ("a", None),
            ("", None),
        ];
        for (text, near) in cases {
            assert_eq!(slip(text, STATUSES), near, "{text}");
        }
        assert_eq!(slip(&"x".repeat(1_000_000), STATUSES), None);
        assert!(STATUS.knows("Inactive") && DEFINITION.knows("Business definition"));
    }
}
