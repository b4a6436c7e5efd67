//! Where changes are shown.

use super::{BASE, contract, edited};
use crate::diff::compare;

#[test]
fn a_change_points_into_both_documents() {
    let new = edited("physicalType: int\n", "physicalType: bigint\n");
    let comparison = compare(&contract(BASE), &new);
    let change = &comparison.changes[0];
    let at = |place: &Option<crate::Place>, text: &str| {
        let span = place.as_ref().unwrap().span;
        text[span.start..span.end].to_owned()
    };
    assert_eq!(
        (at(&change.old, BASE).as_str(), at(&change.new, &new.text).as_str()),
        ("int", "bigint")
    );
    assert_eq!(change.what, "the column `quantity` was widened from int to bigint");
    assert_eq!(change.dataset.as_ref().unwrap().to_string(), "sales.silver.lines");

    let gone = edited("      - id: p_day\n        name: day\n        logicalType: date\n", "");
    let change = &compare(&contract(BASE), &gone).changes[0];
    assert_eq!(at(&change.old, BASE), "day");
    assert!(change.new.is_some(), "what is gone stands where it would belong");
}

#[test]
fn what_is_gone_is_shown_at_what_it_was_part_of() {
    let line = |what: &str| 1 + BASE.lines().position(|line| line == what).unwrap() as u32;
    let field = "          - name: city\n            logicalType: string\n            required: true\n";
    let column = "      - id: p_day\n        name: day\n        logicalType: date\n";
    for (gone, of) in [(column, "  - name: lines"), (field, "        name: address")] {
        let comparison = compare(&contract(BASE), &edited(gone, ""));
        let removed = comparison.changes.iter().find(|change| change.code == "column-removed");
        let (old, new) = removed
            .map(|change| (change.old.clone().unwrap(), change.new.clone().unwrap()))
            .unwrap();
        let names_it = gone.lines().find(|line| line.contains("name: ")).unwrap();
        assert_eq!(
            (old.span.line as u32, new.span.line as u32),
            (line(names_it), line(of)),
            "{gone}"
        );
        let text = &BASE.replacen(gone, "", 1)[new.span.start..new.span.end];
        assert!(of.ends_with(text), "{text}");
    }
}
