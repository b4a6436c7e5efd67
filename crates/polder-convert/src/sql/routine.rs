//! Where a routine's body ends that stands in no quotes: its statements end with semicolons, as the routine does.

/// Things with a body of statements.
const ROUTINES: &[&str] = &["PROCEDURE", "FUNCTION", "TRIGGER", "TASK", "EVENT", "PACKAGE"];
/// Words between `CREATE` and what is created.
const BEFORE: &[&str] = &[
    "OR",
    "REPLACE",
    "ALTER",
    "TEMP",
    "TEMPORARY",
    "SECURE",
    "AGGREGATE",
    "CONSTRAINT",
    "EDITIONABLE",
    "NONEDITIONABLE",
    "FORCE",
];

/// Whether a statement with these first words creates a routine.
pub(super) fn is_routine(head: &str) -> bool {
    let mut words = head.split(' ');
    words.next() == Some("CREATE")
        && words
            .find(|word| !BEFORE.contains(word))
            .is_some_and(|word| ROUTINES.contains(&word))
}

/// A body, read word by word.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Blocks and cases that have not ended.
    depth: usize,
    /// Whether there are declarations, behind which a block must follow.
    declares: bool,
    last: Last,
}

/// The word before, where the next one says what it is.
#[derive(Debug, Default, PartialEq)]
enum Last {
    Begin,
    End,
    #[default]
    Other,
}

impl Body {
    /// Whether a semicolon at this place ends a statement of the body.
    pub(super) fn is_open(&self) -> bool {
        match self.last {
            // The transaction's word, not a block's.
            Last::Begin => self.declares || self.depth > 1,
            _ => self.declares || self.depth > 0,
        }
    }

    /// Takes a semicolon.
    pub(super) fn mark(&mut self) {
        if self.last == Last::Begin {
            self.depth -= 1;
        }
        self.last = Last::Other;
    }

    /// Takes the next word.
    pub(super) fn word(&mut self, word: &str) {
        let is = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
        let last = std::mem::take(&mut self.last);
        match last {
            Last::Begin if is(&["TRANSACTION", "TRAN", "WORK"]) => self.depth -= 1,
            // These open nothing: what they end did not count either.
            Last::End if is(&["IF", "LOOP", "FOR", "WHILE", "REPEAT"]) => self.depth += 1,
            // The case has ended before.
            Last::End if is(&["CASE"]) => {}
            _ if is(&["BEGIN"]) => {
                self.depth += 1;
                self.declares = false;
                self.last = Last::Begin;
            }
            _ if is(&["CASE"]) => self.depth += 1,
            _ if is(&["DECLARE"]) && self.depth == 0 => self.declares = true,
            _ if is(&["END"]) && self.depth > 0 => {
                self.depth -= 1;
                self.last = Last::End;
            }
            _ => {}
        }
    }
}
