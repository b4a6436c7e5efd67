//! Values that do not fit their columns, and times that are written otherwise.

use super::*;

#[test]
fn a_value_that_its_type_cannot_hold_is_mended_like_any_other() {
    let mesh = NewMesh::built();
    order(&mesh, "T-1", "1.005");
    mesh.polder.expect(&["ingest", "--until-end"]);
    // Under the same contract the value is never cut to fit: it stays until somebody says what it is.
    let again = mesh
        .polder
        .run(&["quarantine", "replay", ORDERS, "--rule", "amount.type"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stdout.contains("`1.005` is not a decimal(12,2)"), "{again:?}");
    let it = "record LIKE '%T-1%'";
    let replay = ["quarantine", "replay", ORDERS, "--where", it, "--set"];
    for wide in [
        "amount = 1.005",
        "amount = '1.005'",
        "amount = 1.01, ordered_at = DATE '2026-01-05'",
    ] {
        let rule = if wide.contains("ordered_at") {
            "ordered_at.type"
        } else {
            "amount.type"
        };
        let said = mesh.polder.run(&[&replay[..], &[wide]].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stdout.contains(rule), "{said:?}");
    }
    mesh.refused(
        &[&replay[..], &["amount = random()"]].concat(),
        2,
        &["another value each time"],
    );
    let mend = ["quarantine", "replay", ORDERS, "--where", it, "--set", "amount = 1.01"];
    mesh.polder.expect(&mend);
    let row = "SELECT amount, customer, _topic FROM shop.bronze.orders WHERE order_id = 'T-1'";
    assert_eq!(
        mesh.csv(row),
        "amount,customer,_topic\n1.01,ada,data/orders/2026-01.jsonl\n"
    );
}

#[test]
fn what_has_no_place_in_its_type_is_text_to_those_who_mend_it() {
    let mesh = NewMesh::landed();
    order(&mesh, "T-1", "10.006");
    order(&mesh, "T-2", "\"1,234.50\"");
    order(&mesh, "T-3", "\"lots\"");
    order(&mesh, "T-4", "-7");
    mesh.polder.expect(&["ingest", "--until-end"]);
    let set = |it: &str, what: &str| {
        let condition = format!("record LIKE '%{it}%'");
        let replay = ["quarantine", "replay", ORDERS, "--where", &condition, "--set", what];
        mesh.polder.run(&replay)
    };
    // As it is, it fits no better than it did, and is not lost.
    for what in [
        "amount = amount",
        "amount = coalesce(amount, 1)",
        "amount = coalesce(amount, 0.5)",
    ] {
        let said = set("T-1", what);
        assert_eq!(said.code, Some(1), "{what}: {said:?}");
        assert!(
            said.stdout.contains("amount.type") && said.stdout.contains("10.006"),
            "{what}: {said:?}"
        );
    }
    // Of rows where the column is a number and rows where it is text, each is computed from what was received.
    let said = set("T-", "amount = round(abs(cast(amount AS DECIMAL(20, 4))), 2)");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("2 of 4 rows came"), "{said:?}");
    let why = "`1,234.50` is not a decimal(12,2); and with the text that came in its place";
    assert!(said.stdout.contains(why), "{said:?}");
    let said = set("T-", "amount = abs(amount)");
    let why = "`amount = abs(amount)` cannot be computed from this text: say what it is to be";
    assert!(said.stdout.contains(why), "{said:?}");
    let said = set("T-", "amount = replace(cast(amount AS VARCHAR), ',', '')");
    assert!(said.stderr.contains("1 of 2 rows came"), "{said:?}");
    let rows = "SELECT order_id, amount FROM shop.bronze.orders WHERE order_id LIKE 'T%' ORDER BY order_id";
    assert_eq!(mesh.csv(rows), "order_id,amount\nT-1,10.01\nT-2,1234.50\nT-4,7.00\n");
}

#[test]
fn times_that_are_written_otherwise_are_told_and_mended() {
    let mesh = NewMesh::landed();
    let at = |id: &str, at: &str| {
        let order = format!(
            "{{\"order_id\": \"{id}\", \"ordered_at\": {at}, \"customer\": \"ada\", \"amount\": 1, \"currency\": \"EUR\"}}"
        );
        line(&mesh, &order);
    };
    // 2026-01-02T09:15:00Z, by `date -u -d @1767345300`.
    at("T-1", "1767345300000");
    at("T-2", "\"02.01.2026 10:15\"");
    mesh.polder.expect(&["ingest", "--until-end"]);
    let shown = mesh.polder.expect(&["quarantine", "show", ORDERS]);
    for told in ["1767345300000", "02.01.2026 10:15"] {
        let told = format!("`{told}` is not a timestamp: write it as 2026-01-31T08:30:00Z");
        assert!(shown.contains(&told), "{shown}");
    }
    let set = |it: &str, what: &str| {
        let condition = format!("record LIKE '%{it}%'");
        let replay = ["quarantine", "replay", ORDERS, "--where", &condition, "--set", what];
        mesh.polder.run(&replay)
    };
    let said = set("T-2", "ordered_at = to_timestamp(ordered_at, '%d.%m.%Y %H:%M')");
    assert_eq!(said.code, Some(1), "{said:?}");
    let told = "a local time is no instant: write … AT TIME ZONE 'UTC'";
    assert!(said.stdout.contains(told), "{said:?}");
    let said = set("T-1", "ordered_at = CAST(ordered_at AS BIGINT)");
    let told = "write to_timestamp_millis(…) AT TIME ZONE 'UTC'";
    assert!(said.stdout.contains(told), "{said:?}");
    for (it, what) in [
        (
            "T-1",
            "ordered_at = to_timestamp_millis(CAST(ordered_at AS BIGINT)) AT TIME ZONE 'UTC'",
        ),
        (
            "T-2",
            "ordered_at = to_timestamp(ordered_at, '%d.%m.%Y %H:%M') AT TIME ZONE 'Europe/Berlin'",
        ),
    ] {
        let said = set(it, what);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    // Berlin is an hour ahead in January.
    let rows = "SELECT order_id, ordered_at FROM shop.bronze.orders WHERE order_id LIKE 'T%' ORDER BY order_id";
    assert_eq!(
        mesh.csv(rows),
        "order_id,ordered_at\nT-1,2026-01-02T09:15:00Z\nT-2,2026-01-02T09:15:00Z\n"
    );
}

#[test]
fn a_value_that_does_not_fit_is_treated_as_declared_and_what_fits_beside_it_is_judged_too() {
    const AMOUNT: &str = "      - name: amount\n";
    const CURRENCY: &str = "      - name: currency\n";
    let declared = |column: &str, what: &str| {
        format!("{column}        customProperties: [{{property: polder.onFailure, value: {what}}}]\n")
    };
    let wrong = r#"{"order_id": "W", "ordered_at": "2026-01-06T08:00:00Z", "customer": "ada", "amount": "abc", "currency": "euro"}"#;
    let place = "data/orders/2026-01.jsonl/0 offset";
    // The value itself, then another column of the same row.
    for (column, rule, reason) in [
        (AMOUNT, "amount.type", "`abc` is not a decimal(12,2)"),
        (
            CURRENCY,
            "currency.pattern",
            "currency is euro: it must match ^[A-Z]{3}$",
        ),
    ] {
        let mesh = NewMesh::new();
        change_contract(&mesh, "          minimum: 0\n", "          minimum: -10\n");
        change_contract(&mesh, column, &declared(column, "reject"));
        line(&mesh, wrong);
        let refused = mesh.polder.run(&["ingest", "--until-end"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            refused.stderr.contains(&format!("rule {rule} of the contract")),
            "{refused:?}"
        );
        assert!(
            refused.stderr.contains(place) && refused.stderr.contains(reason),
            "{refused:?}"
        );
        let listed = mesh.polder.expect(&["quarantine", "list", "--format", "csv"]);
        assert!(!listed.contains(ORDERS), "{listed}");
    }
    // What is declared inside of a column: a field, items, a map's values.
    let on = "customProperties: [{property: polder.onFailure, value: reject}]";
    for (column, value, reason) in [
        (
            format!("logicalType: object, properties: [{{name: q, logicalType: integer, physicalType: int, {on}}}]"),
            r#"{"q": "zz"}"#,
            "q: `zz` is not a 32-bit integer",
        ),
        (
            format!("logicalType: array, items: {{logicalType: integer, physicalType: int, {on}}}"),
            r#"[1, "zz"]"#,
            "item 2: `zz` is not a 32-bit integer",
        ),
        (
            format!(
                "logicalType: map, map: {{key: {{logicalType: string}}, value: {{logicalType: integer, physicalType: int, {on}}}}}"
            ),
            r#"{"k": "zz"}"#,
            "`zz` is not a 32-bit integer",
        ),
    ] {
        for (declared, code) in [(column.clone(), 1), (column.replace("reject", "quarantine"), 0)] {
            let mesh = NewMesh::new();
            change_contract(&mesh, AMOUNT, &format!("      - {{name: o, {declared}}}\n{AMOUNT}"));
            line(
                &mesh,
                &wrong.replace(
                    r#""abc", "currency": "euro"}"#,
                    &format!(r#"7.00, "currency": "EUR", "o": {value}}}"#),
                ),
            );
            let told = mesh.polder.run(&["ingest", "--until-end"]);
            assert_eq!(told.code, Some(code), "{declared}: {told:?}");
            let refuses = told.stderr.contains("rule o.type of the contract") && told.stderr.contains(reason);
            assert_eq!(refuses, code == 1, "{declared}: {told:?}");
            let listed = mesh.polder.expect(&["quarantine", "list", "--format", "csv"]);
            assert_eq!(listed.contains(&format!("{ORDERS},o.type")), code == 0, "{listed}");
        }
    }
    // A warning is no way past a type, and the row says all that is wrong with it.
    for what in ["quarantine", "warn"] {
        let mesh = NewMesh::new();
        change_contract(&mesh, "          minimum: 0\n", "          minimum: -10\n");
        change_contract(&mesh, AMOUNT, &declared(AMOUNT, what));
        line(&mesh, wrong);
        mesh.polder.expect(&["ingest", "--until-end"]);
        let shown = mesh.polder.expect(&["quarantine", "show", ORDERS, "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(shown[0]["rule"], "amount.type");
        assert_eq!(
            shown[0]["reason"],
            "amount.type: `abc` is not a decimal(12,2); currency is euro: it must match ^[A-Z]{3}$"
        );
    }
}
