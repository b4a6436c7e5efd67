//! Limits of values that a query puts into objects and lists which it makes.

use super::{Breaks, Mesh, Nothing, Perhaps};

#[test]
fn limits_are_followed_into_the_objects_and_lists_that_a_query_makes() {
    let mesh = Mesh::new();
    let number = |limit: &str| format!("logicalType: integer, physicalType: bigint{limit}");
    let most = |most: u32| number(&format!(", logicalTypeOptions: {{maximum: {most}}}"));
    let column = |of: &str| format!("{{name: x, {of}}}");
    let object = |of: &str| format!("{{name: o, logicalType: object, properties: [{{name: x, {of}}}]}}");
    let list = |of: &str| format!("{{name: o, logicalType: array, items: {{{of}}}}}");
    let map =
        |of: &str| format!("{{name: o, logicalType: map, map: {{key: {{logicalType: string}}, value: {{{of}}}}}}}");
    let (required, any) = (number(", required: true"), number(""));
    let two = |one: &str, other: &str| format!("{}, {{name: k, {other}}}", column(one));
    let of_two = format!(
        "{{name: o, logicalType: object, properties: [{{name: x, {any}}}, {{name: k, logicalType: string, required: true}}]}}"
    );
    let said = "logicalType: string";
    for (was, is, gold, value, expected) in [
        (
            column(&most(10)),
            column(&most(100)),
            object(&most(10)),
            "{x: x}",
            Perhaps,
        ),
        (
            column(&most(10)),
            column(&most(100)),
            object(&most(10)),
            "named_struct('x', x)",
            Perhaps,
        ),
        (column(&most(10)), column(&most(100)), list(&most(10)), "[x]", Perhaps),
        (
            column(&most(10)),
            column(&most(100)),
            map(&most(10)),
            "MAP {'k': x}",
            Perhaps,
        ),
        (column(&required), column(&any), object(&required), "{x: x}", Perhaps),
        (column(&required), column(&any), map(&required), "MAP {'k': x}", Perhaps),
        (
            column(&most(10)),
            column(&most(100)),
            object(&most(100)),
            "{x: x}",
            Nothing,
        ),
        (column(&required), column(&any), object(&any), "{x: x}", Nothing),
        // Of what is asked of a text in there a number says nothing.
        (two(&required, said), two(&any, said), of_two, "{x: x, k: k}", Nothing),
        // What is taken out again is what was put in.
        (
            column(&most(10)),
            column(&most(100)),
            column(&most(10)).replace("name: x", "name: o"),
            "{x: x}['x']",
            Breaks,
        ),
    ] {
        let sql = format!("SELECT id, {value} AS o FROM s.bronze.a");
        let (told, all) = mesh.loosened([&was, &is], &gold, &sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}: {all}");
    }
    let loses = "pipeline s.g may lose rows to quarantine";
    for (bronze, was, is, value, told) in [
        (most(10), object(&any), object(&most(10)), "{x: x}", false),
        (most(11), object(&any), object(&most(10)), "{x: x}", true),
        (required.clone(), object(&any), object(&required), "{x: x}", false),
        (any.clone(), object(&any), object(&required), "{x: x}", true),
        (most(10), list(&any), list(&most(10)), "[x]", false),
        (most(11), list(&any), list(&most(10)), "[x]", true),
        (most(10), list(&any), list(&most(10)), "[x + 1]", true),
    ] {
        let bronze = column(&bronze);
        let sql = format!("SELECT id, {value} AS o FROM s.bronze.a");
        let ended = mesh.check([&bronze, &bronze], [&was, &is], &sql);
        assert_eq!(ended.stderr.contains(loses), told, "{bronze}: {is}: {}", ended.stderr);
        assert!(
            !ended.stderr.contains("s.bronze.a.x.x") && !ended.stderr.contains("x[]"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn what_is_taken_out_again_where_it_was_put_in_is_no_longer_inside() {
    let mesh = Mesh::new();
    let column = |more: &str| super::number(more);
    let most = |most: u32| column(&format!(", logicalTypeOptions: {{maximum: {most}}}"));
    let list = "{name: m, logicalType: array, items: {logicalType: integer, physicalType: bigint}}";
    for (silver, put, taken, most_of_gold, expected) in [
        (column(""), "[x][1] AS x", "x", 100, Nothing),
        (column(""), "named_struct('a', x)['a'] AS x", "x", 100, Nothing),
        (column(""), "[x][1] AS x", "x", 15, Perhaps),
        (list.to_owned(), "[[x]][1] AS m", "m[1]", 15, Perhaps),
        (list.to_owned(), "array_append([id], x) AS m", "m[1]", 15, Perhaps),
        (list.to_owned(), "array_sort([x]) AS m", "m[1]", 15, Perhaps),
    ] {
        mesh.between("y", &silver, &format!("SELECT id, {put} FROM s.bronze.a"));
        let sql = format!("SELECT id, {taken} AS x FROM s.silver.y");
        let (told, all) = mesh.loosened([&most(10), &most(20)], &most(most_of_gold), &sql);
        assert_eq!(told, expected, "{put}, {most_of_gold}: {all}");
    }
}
