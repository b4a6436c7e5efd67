//! Pages of the documentation, walked from top to bottom as a reader would: their files are written, their commands
//! run, and what those print is held against what the page prints.
//!
//! In a page `$ ` begins a command, which goes on behind `\` or an open quote. Below stands what it prints on both
//! outputs together; where nothing does, it only has to end as it should. `…` on a line of its own stands for lines,
//! elsewhere for text. The widths of tables do not count, and a row without its last `|` is cut off there.
//!
//! What a reader gathers from the text, the walk reads in HTML comments, which no rendered page shows. No block goes
//! unread: one that is neither commands nor marked fails. These belong to the block that follows:
//!
//! | comment | the block |
//! |---|---|
//! | `file: PATH`, `append: PATH` | is a file, or goes to the end of one |
//! | `excerpt: PATH` | stands in that file as it is now |
//! | `exit: 1, 0` | holds commands that end with these codes, where not all end with 0 |
//! | `varies: 0.1, ada` | shows these texts, and each reader sees others |
//! | `shown: WHY` | is only looked at |
//!
//! and these are done where they stand:
//!
//! | comment | does |
//! |---|---|
//! | `edit: PATH` | changes a file by the lines below, a diff without its head; an empty line parts two changes |
//! | `run: COMMANDS` | does what the text says, or proves it, and has to end with 0; `$REPOSITORY` is this one |
//! | `today: DAY` | from here on days in page and comments are as far from today as they are from that one |
//! | `note: TEXT` | nothing |

mod days;
mod likeness;
mod walk;

use self::walk::walk;

#[test]
fn the_tutorial_of_contracts_is_true() {
    walk("docs/contracts.md");
}

#[test]
fn the_page_on_compatibility_is_true() {
    walk("docs/contracts/compatibility.md");
}

#[test]
fn the_page_on_the_life_of_a_contract_is_true() {
    walk("docs/contracts/lifecycle.md");
}

#[test]
fn the_page_on_policies_is_true() {
    walk("docs/contracts/policies.md");
}

#[test]
fn the_page_on_products_is_true() {
    walk("docs/contracts/products.md");
}

#[test]
fn the_page_on_quarantine_is_true() {
    walk("docs/contracts/quarantine.md");
}

#[test]
fn the_page_on_rules_is_true() {
    walk("docs/contracts/rules.md");
}

#[test]
fn the_page_on_samples_is_true() {
    walk("docs/contracts/samples.md");
}

#[test]
fn the_page_on_service_levels_is_true() {
    walk("docs/contracts/service-levels.md");
}

#[test]
fn the_page_on_the_standard_is_true() {
    walk("docs/contracts/standard.md");
}
