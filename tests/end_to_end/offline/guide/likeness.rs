//! Whether what a command prints is what a page shows of it.

/// Whether lines are what is shown, where a line `…` stands for one or more of them.
pub(super) fn like(shown: &[&str], printed: &[&str]) -> bool {
    let Some((line, shown)) = shown.split_first() else {
        return printed.is_empty();
    };
    if line.trim() == "…" {
        return (1..=printed.len()).any(|left_out| like(shown, &printed[left_out..]));
    }
    let first = printed.split_first();
    first.is_some_and(|(first, printed)| fits(line, first) && like(shown, printed))
}

/// Whether a line is what is shown of it.
pub(super) fn fits(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (shown.trim_end(), printed.trim_end());
    if shown.starts_with("+-") {
        return printed.starts_with("+-");
    }
    if !shown.starts_with('|') {
        return covers(shown, printed);
    }
    let cells = |row: &str| row.split('|').map(str::trim).collect::<Vec<_>>().join("|");
    let cut = if shown.ends_with(['|', '…']) { "" } else { "…" };
    let parts: Vec<&str> = shown.split('…').map(str::trim_end).collect();
    covers(&cells(&(parts.join("…") + cut)), &cells(printed))
}

/// Whether a text is this pattern, in which `…` stands for any text.
fn covers(pattern: &str, text: &str) -> bool {
    let Some((head, pattern)) = pattern.split_once('…') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    text.char_indices().any(|(at, _)| covers(pattern, &text[at..])) || covers(pattern, "")
}

#[test]
fn a_sign_stands_for_lines_and_for_text() {
    let printed = ["one", "two", "", "three 3 times"];
    for shown in [
        &["one", "two", "", "three 3 times"][..],
        &["…"],
        &["one", "…", "three … times"],
        &["…", "t…", "…", "three…"],
    ] {
        assert!(like(shown, &printed), "{shown:?}");
    }
    for shown in [
        &["one", "two", "three 3 times"][..],
        &["one", "…", "two", "", "three 3 times"],
        &["one", "…", "three 3"],
        &["one", "two", "", "three 3 times", "…"],
        &["…", "three … time"],
        &[],
    ] {
        assert!(!like(shown, &printed), "{shown:?}");
    }
}

#[test]
fn tables_may_be_narrower_and_cut() {
    let printed = "| shop.orders    | 3    |      | the minimum is 1 | scan |";
    for shown in [
        "| shop.orders | 3 |  | the minimum is 1 | scan |",
        "| shop.orders | 3 | … | scan |",
        "| shop.orders | 3 | … |",
        "| shop.orders | 3 |   | the minimum   …",
        "| shop.orders | 3 |   | the minimum",
        "| shop.…      | 3 |   …",
    ] {
        assert!(fits(shown, printed), "{shown}");
    }
    for shown in [
        "| shop.orders | 4 | … | scan |",
        "| shop.orders | 3 | the minimum is 1 | scan |",
        "+-------------+---+",
    ] {
        assert!(!fits(shown, printed), "{shown}");
    }
    assert!(fits("+---+-…", "+-------+---+") && !fits("+---+-…", printed));
}
