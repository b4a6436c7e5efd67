//! Limits that say so in SQL, and values that go to a limit by more than one step or in another form.

use super::{Mesh, Nothing, Perhaps, contract, listed, said, text, valid};

#[test]
fn rules_in_sql_are_limits_of_which_nobody_can_tell_on_either_side() {
    let mesh = Mesh::new();
    let any = "{name: x, logicalType: integer, physicalType: bigint}";
    let with = |more: &str| any.replace('}', &format!(", {more}}}"));
    let (least, most) = (
        with("logicalTypeOptions: {minimum: 0}"),
        with("logicalTypeOptions: {maximum: 9}"),
    );
    let ruled = |rule: &str| with(&format!("quality: [{{{rule}}}]"));
    let said_by_row = |sql: &str| format!("id: r, type: custom, engine: polder, implementation: {{row: '{sql}'}}");
    let row = |sql: &str| ruled(&said_by_row(sql));
    let counts = |sql: &str| {
        ruled(&format!(
            "id: q, type: sql, query: 'SELECT count(*) FROM {{object}} WHERE {sql}', mustBe: 0"
        ))
    };
    let both = with(&format!(
        "logicalTypeOptions: {{minimum: 0}}, quality: [{{{}}}]",
        said_by_row("x >= 0")
    ));
    let (required, unique) = (with("required: true"), with("unique: true"));
    let any = any.to_owned();
    let plain = "SELECT id, x FROM s.bronze.a";
    for (was, is, gold, sql, expected) in [
        (&least, &any, &row("x >= 0"), plain, Perhaps),
        (&least, &any, &counts("x < 0"), plain, Perhaps),
        (&least, &any, &row("X + 1 > 0"), plain, Perhaps),
        (&required, &any, &row("x IS NOT NULL"), plain, Perhaps),
        (&unique, &any, &counts("x < 0"), plain, Perhaps),
        (&row("x >= 0"), &any, &least, plain, Perhaps),
        (&row("x >= 0"), &row("x > -10"), &row("0 <= x"), plain, Perhaps),
        (
            &row("x >= 0"),
            &any,
            &most,
            "SELECT id, x + 1 AS x FROM s.bronze.a",
            Perhaps,
        ),
        (&row("x IS NOT NULL"), &any, &required, plain, Perhaps),
        (&counts("x < 0"), &any, &unique, plain, Perhaps),
        // It names another column, or text like it.
        (&least, &any, &row("id >= 0"), plain, Nothing),
        // Null breaks no comparison, and one row knows nothing of others.
        (&required, &any, &row("x >= 0"), plain, Nothing),
        (&unique, &any, &row("x >= 0"), plain, Nothing),
        // Bronze asks the same in the same words still.
        (&both, &row("x >= 0"), &row("x >= 0"), plain, Nothing),
        // Nothing is asked, or nothing is loosened.
        (&row("x >= 0"), &any, &any, plain, Nothing),
        (&any, &least, &row("x >= 0"), plain, Nothing),
        (&any, &row("x >= 0"), &least, plain, Nothing),
        (
            &least,
            &least.replace("bigint", "bigint, description: X"),
            &row("x >= 0"),
            plain,
            Nothing,
        ),
    ] {
        let (told, all) = mesh.loosened([was, is], gold, sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}: {all}");
        assert!(told == Nothing || !all.contains("pipeline s.g\n"), "{all}");
    }
    let (loses, fails) = (
        "pipeline s.g may lose rows to quarantine",
        "pipeline s.g may commit nothing",
    );
    for (bronze, was, is, told) in [
        (&any, &any, &row("x >= 0"), Some(loses)),
        (&least, &row("x >= 0"), &row("x >= 1"), Some(loses)),
        (&any, &any, &counts("x < 0"), Some(fails)),
        (&row("x >= 0"), &any, &row("x >= 0"), None),
        (&any, &row("x >= 0"), &any, None),
    ] {
        let ended = mesh.check([bronze, bronze], [was, is], plain);
        let found = [loses, fails].into_iter().find(|words| ended.stderr.contains(words));
        assert_eq!(found, told, "{bronze}: {was} → {is}: {}", said(&ended));
    }
}

#[test]
fn a_loosened_limit_is_followed_through_what_keeps_less_and_what_is_computed() {
    let mesh = Mesh::new();
    let (two, three) = (listed("a, b"), listed("a, b, c"));
    let (required, any) = (text(", required: true"), text(""));
    let upper = "SELECT id, upper(k) AS k FROM s.bronze.a";
    let chosen = "SELECT id, CASE WHEN k = 'a' THEN 'one' WHEN k = 'b' THEN 'two' END AS k FROM s.bronze.a";
    let other = "SELECT id, CASE WHEN k = 'a' THEN 'one' ELSE 'two' END AS k FROM s.bronze.a";
    for (was, is, gold, sql, expected) in [
        (&two, &three, &listed("A, B"), upper, Perhaps),
        (&two, &three, &required, chosen, Perhaps),
        (&two, &three, &required, other, Nothing),
        (&two, &three, &any, upper, Nothing),
        (&three, &two, &listed("A, B"), upper, Nothing),
        (&two, &listed("b, a"), &listed("A, B"), upper, Nothing),
    ] {
        let (told, all) = mesh.loosened([was, is], gold, sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}, {sql}: {all}");
    }
    let as_it_is = "SELECT id, k FROM s.bronze.a";
    let null = text(", required: true, enum: [{value: a}, {value: b}]");
    for (was, is, silver, first, gold, expected) in [
        (&two, &three, &any, as_it_is, &two, Perhaps),
        (&required, &any, &any, as_it_is, &required, Perhaps),
        (&two, &three, &any, upper, &listed("A, B"), Perhaps),
        (&two, &three, &any, chosen, &required, Perhaps),
        (&two, &three, &any, as_it_is, &valid("a, b"), Perhaps),
        (&two, &three, &any, as_it_is, &three, Nothing),
        (&two, &three, &any, as_it_is, &any, Nothing),
        (&two, &three, &any, as_it_is, &listed("a"), Nothing),
        (
            &null,
            &two,
            &any,
            "SELECT id, coalesce(k, 'a') AS k FROM s.bronze.a",
            &required,
            Nothing,
        ),
    ] {
        mesh.write("contracts/s/y.odcs.yaml", &contract("s.silver.y", "1.0.0", silver));
        mesh.write(
            "pipelines/s/y.pipeline.yaml",
            "description: It.\ndataset: s.silver.y\nmaterialization: replace_groups\n",
        );
        mesh.write("pipelines/s/y.sql", first);
        let (told, all) = mesh.loosened([was, is], gold, "SELECT id, k FROM s.silver.y");
        assert_eq!(told, expected, "{was} → {is}, {silver}, {first}, {gold}: {all}");
    }
}
