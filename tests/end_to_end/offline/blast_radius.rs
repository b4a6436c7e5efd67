//! What `polder check --base` says of changes that take away more than a column: who builds a dataset, and what keeps rows
//! out of it.

use std::fs;

use super::pull_requests::{BRONZE, Repository, SILVER, said};

const STREAM: &str = "pipelines/sales/invoice_lines.stream.yaml";
const PRODUCTS: &str = "contracts/sales/products.silver.odcs.yaml";

fn remove(repository: &Repository, documents: &[&str]) {
    for document in documents {
        fs::remove_file(repository.path(document)).unwrap();
    }
}

fn rename(repository: &Repository, from: &str, to: &str) {
    fs::rename(repository.path(from), repository.path(to)).unwrap();
}

#[test]
fn a_dataset_that_nobody_builds_any_more_breaks_all_who_read_it() {
    let repository = Repository::new();
    remove(
        &repository,
        &["pipelines/sales/products.pipeline.yaml", "pipelines/sales/products.sql"],
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "error[breaking-change]: main:pipelines/sales/products.pipeline.yaml:",
        "nobody builds sales.silver.products any more: the pipeline sales.products was removed: it breaks consumer \
         assortment-planning, model recommendation.bought_together, model recommendation.personal_top_n",
        "sales.silver.products (not built) → consumer assortment-planning",
        "sales.silver.products (not built) → model recommendation.bought_together",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
    // It is told once; without a base it is a warning.
    assert!(!ended.stderr.contains("warning[nobody-builds]"), "{}", said(&ended));
    let ended = repository.run(&["check"]);
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    let warning = "warning[nobody-builds]: nobody builds sales.silver.products: no stream or pipeline writes it, and its \
                   contract is active";
    assert!(ended.stderr.contains(warning), "{}", said(&ended));
    // Where the rows come from somewhere else, the contract says so.
    repository.edit(
        PRODUCTS,
        "schema:\n",
        "servers:\n  - server: suppliers\n    type: s3\n    location: s3://suppliers/products\n    format: delta\nschema:\n",
    );
    let ended = repository.run(&["check"]);
    assert!(!ended.stderr.contains("nobody-builds"), "{}", said(&ended));
}

#[test]
fn a_stream_that_goes_takes_along_the_whole_way() {
    let repository = Repository::new();
    remove(&repository, &[STREAM]);
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "the stream sales.invoice_lines was removed",
        "sales.bronze.invoice_lines (not built) → pipeline sales.invoice_lines → sales.silver.invoice_lines → pipeline \
         product.product_sales → product.gold.product_sales → consumer finance-dashboard",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
}

#[test]
fn who_builds_a_dataset_may_change() {
    let repository = Repository::new();
    // A stream of the same topic would read it a second time.
    let lines = "pipelines/sales/lines.stream.yaml";
    rename(&repository, STREAM, lines);
    repository.edit(lines, "topic: retail.invoice_line", "topic: retail.lines");
    for ending in ["pipeline.yaml", "sql"] {
        rename(
            &repository,
            &format!("pipelines/sales/products.{ending}"),
            &format!("pipelines/sales/names.{ending}"),
        );
    }
    rename(&repository, PRODUCTS, "contracts/sales/names.odcs.yaml");
    rename(
        &repository,
        &PRODUCTS.replace(".odcs.", ".samples."),
        "contracts/sales/names.samples.yaml",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    // What cannot be read is told as that: who knows what it builds.
    fs::write(repository.path("pipelines/sales/names.pipeline.yaml"), "dataset: [").unwrap();
    rename(
        &repository,
        "pipelines/sales/names.pipeline.yaml",
        "pipelines/sales/products.pipeline.yaml",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(!said(&ended).contains("nobody builds"), "{}", said(&ended));
}

#[test]
fn a_dataset_goes_with_its_builder_once_its_contract_is_retired() {
    let repository = Repository::new();
    fs::remove_dir_all(repository.path("catalog/policies")).unwrap();
    fs::create_dir(repository.path("catalog/policies")).unwrap();
    fs::write(repository.path("catalog/policies/none.yaml"), "policies: []\n").unwrap();
    let old = "contracts/sales/old.odcs.yaml";
    let pipeline = "pipelines/sales/old.pipeline.yaml";
    let sql = "pipelines/sales/old.sql";
    let contract = fs::read_to_string(repository.path(PRODUCTS)).unwrap();
    let (head, _) = contract.split_once("schema:\n").unwrap();
    let head = head
        .replace("id: sales.silver.products", "id: sales.silver.old")
        .replace("status: active", "status: deprecated");
    let rest = "schema:\n  - name: old\n    physicalName: sales.silver.old\n    description: Codes.\n    properties:\n      \
                - name: stock_code\n        description: The code.\n        logicalType: string\n        required: true\n\
                slaProperties:\n  - property: endOfLife\n    value: \"2020-01-01\"\ncustomProperties:\n  - property: \
                polder.noticePeriod\n    value: 30d\n  - property: polder.replacement\n    value: none\n";
    fs::write(repository.path(old), format!("{head}{rest}")).unwrap();
    fs::write(
        repository.path(pipeline),
        "description: Codes.\ndataset: sales.silver.old\nmaterialization: replace_groups\n",
    )
    .unwrap();
    fs::write(repository.path(sql), "SELECT stock_code FROM sales.silver.products\n").unwrap();
    repository.commit();
    // Its life is over: nobody has to build it.
    remove(&repository, &[pipeline, sql]);
    let ended = repository.check();
    assert!(!said(&ended).contains("nobody builds"), "{}", said(&ended));
    repository.edit(old, "status: deprecated", "status: retired");
    repository.edit(old, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    repository.commit();
    remove(&repository, &[old]);
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(
        ended
            .stdout
            .contains("the contract of sales.silver.old was removed: breaks nobody"),
        "{}",
        said(&ended)
    );
}

#[test]
fn limits_that_only_warn_from_now_on_break_those_who_read() {
    let repository = Repository::new();
    repository.edit(
        SILVER,
        "    physicalName: sales.silver.invoice_lines\n",
        "    physicalName: sales.silver.invoice_lines\n    customProperties:\n      - property: polder.onFailure\n        \
         value: warn\n",
    );
    repository.edit(SILVER, "version: 1.0.0", "version: 1.1.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "error[contract-version]: the version 1.1.0 does not say enough",
        "write version: 2.0.0",
        // Gold asks for a value too, and gets the column as it is.
        "what happens to rows that fail the rule `country.required` changed from `quarantine` to `warn`: it breaks",
        "would refuse rows: product.gold.product_sales.country must have a value",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
}

#[test]
fn what_no_longer_plans_gives_none_of_its_columns() {
    let repository = Repository::new();
    repository.drop_column(BRONZE, "quantity");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    // Names are made of other columns of the lines, which are not built.
    assert!(
        ended.stderr.contains("not built until mended: ") && ended.stderr.contains("pipeline sales.products"),
        "{}",
        said(&ended)
    );
    assert!(!said(&ended).contains("not affected"), "{}", said(&ended));
}

#[test]
fn a_query_that_no_longer_plans_without_another_contract_tells_who_waits_for_it() {
    let repository = Repository::new();
    repository.edit(
        "pipelines/sales/products.sql",
        "GROUP BY stock_code",
        "GROUP BY stock_cod",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(
        ended.stdout.contains(
            "not built until mended: consumer assortment-planning, model recommendation.bought_together, model \
             recommendation.personal_top_n, pipeline sales.products"
        ),
        "{}",
        said(&ended)
    );
}

/// A dataset that is made of the products, whose columns its query takes by their place.
fn by_place(repository: &Repository) {
    fs::remove_dir_all(repository.path("catalog/policies")).unwrap();
    fs::create_dir(repository.path("catalog/policies")).unwrap();
    fs::write(repository.path("catalog/policies/none.yaml"), "policies: []\n").unwrap();
    let contract = fs::read_to_string(repository.path(PRODUCTS)).unwrap();
    let (head, _) = contract.split_once("schema:\n").unwrap();
    let head = head.replace("id: sales.silver.products", "id: sales.gold.codes");
    let property = |name: &str| {
        format!(
            "      - name: {name}\n        description: It.\n        logicalType: string\n        physicalType: string\n"
        )
    };
    let properties = format!("{}{}", property("code"), property("words"));
    fs::write(
        repository.path("contracts/sales/codes.odcs.yaml"),
        format!(
            "{head}schema:\n  - name: codes\n    physicalName: sales.gold.codes\n    description: Codes.\n    \
             properties:\n{properties}"
        ),
    )
    .unwrap();
    fs::write(
        repository.path("pipelines/sales/codes.pipeline.yaml"),
        "description: Codes.\ndataset: sales.gold.codes\nmaterialization: replace_groups\n",
    )
    .unwrap();
    fs::write(
        repository.path("pipelines/sales/codes.sql"),
        "WITH q(code, words, since, until) AS (SELECT * FROM sales.silver.products) SELECT code, words FROM q\n",
    )
    .unwrap();
}

#[test]
fn columns_in_another_order_break_who_takes_them_by_their_place() {
    let repository = Repository::new();
    by_place(&repository);
    repository.commit();
    repository.put_first(PRODUCTS, "description");
    repository.edit(PRODUCTS, "version: 1.0.0", "version: 1.1.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "error[breaking-change]: the columns of sales.silver.products stand in other places: it breaks pipeline sales.codes",
        "sales.gold.codes.code is made of sales.silver.products.description now, and was made of \
         sales.silver.products.stock_code",
        "sales.gold.codes.words is made of sales.silver.products.stock_code now, and was made of \
         sales.silver.products.description",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
    // A query that was changed along says what is meant.
    repository.edit("pipelines/sales/codes.sql", "q(code, words, ", "q(words, code, ");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
}

#[test]
fn looser_limits_break_who_hands_values_on_to_tighter_ones() {
    let repository = Repository::new();
    let code = "        description: The product's code.\n        logicalType: string\n        physicalType: string\n        \
                required: true\n";
    let limit = "        logicalTypeOptions:\n          maxLength: 20\n";
    repository.edit(SILVER, code, &format!("{code}{limit}"));
    repository.commit();
    let loose = |document: &str| document.replace("maxLength: 20", "maxLength: 50");
    let text = fs::read_to_string(repository.path(BRONZE)).unwrap();
    let looser = loose(&text).replace("version: 1.0.0", "version: 2.0.0");
    fs::write(repository.path(BRONZE), looser).unwrap();
    let ended = repository.check();
    for part in [
        "`maxLength` of the column `stock_code` changed from `20` to `50`: it breaks consumer",
        "pipeline sales.invoice_lines would refuse rows: `maxLength` of sales.silver.invoice_lines.stock_code allows less \
         than that of sales.bronze.invoice_lines.stock_code",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", said(&ended));
    }
    // Silver takes numbers of invoices of any length.
    let nobody = "`maxLength` of the column `invoice_no` changed from `20` to `50`: breaks nobody";
    assert!(ended.stdout.contains(nobody), "{}", said(&ended));
    let text = fs::read_to_string(repository.path(SILVER)).unwrap();
    fs::write(
        repository.path(SILVER),
        loose(&text).replace("version: 1.0.0", "version: 2.0.0"),
    )
    .unwrap();
    let ended = repository.check();
    assert!(!ended.stderr.contains("would refuse rows"), "{}", said(&ended));
}

#[test]
fn a_limit_breaks_by_what_it_takes_away_from_the_others() {
    let repository = Repository::new();
    let quantity = "        logicalType: integer\n        physicalType: int\n";
    let limited = |options: &str| format!("{quantity}        logicalTypeOptions: {{{options}}}\n");
    let all = limited("minimum: -2147483648, maximum: 2147483647");
    repository.edit(BRONZE, quantity, &all);
    repository.edit(SILVER, quantity, &limited("format: i16"));
    repository.commit();
    // An int is never beyond those.
    repository.edit(BRONZE, &all, quantity);
    repository.edit(BRONZE, "version: 1.0.0", "version: 1.0.1");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    // What was 16 bits by its bounds is not any more: those who take 16 bits by the format refuse it.
    let bounds = limited("minimum: -32768, maximum: 32767");
    repository.edit(BRONZE, quantity, &bounds);
    repository.commit();
    repository.edit(BRONZE, &bounds, &limited("minimum: -32768, maximum: 40000"));
    repository.edit(BRONZE, "version: 1.0.1", "version: 2.0.0");
    let ended = repository.check();
    let refused = "pipeline sales.invoice_lines would refuse rows: `format` of sales.silver.invoice_lines.quantity allows \
                   less than that of sales.bronze.invoice_lines.quantity";
    assert!(ended.stderr.contains(refused), "{}", said(&ended));
    repository.edit(SILVER, "{format: i16}", "{format: i32, maximum: 40000}");
    let ended = repository.check();
    assert!(!ended.stderr.contains("would refuse rows"), "{}", said(&ended));
}

#[test]
fn longer_lists_of_values_break_who_hands_them_on_to_shorter_ones() {
    let repository = Repository::new();
    let name = "      - name: stock_code\n";
    let listed = |id: &str| {
        format!(
            "{name}        quality: [{{id: {id}, metric: invalidValues, arguments: {{validValues: [A, B]}}, mustBe: 0}}]\n"
        )
    };
    repository.edit(BRONZE, name, &listed("sent"));
    repository.edit(SILVER, name, &listed("kept"));
    repository.commit();
    repository.edit(BRONZE, "[A, B]", "[A, B, C]");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    let refused = "pipeline sales.invoice_lines would refuse rows: rule kept of sales.silver.invoice_lines allows less than \
                   that of sales.bronze.invoice_lines.stock_code";
    assert!(ended.stderr.contains(refused), "{}", said(&ended));
    // Neither who takes as many values is broken, nor who only warns.
    for (taken, instead) in [
        ("[A, B]", "[C, A, B]"),
        ("mustBe: 0}]", "mustBe: 0, severity: warning}]"),
    ] {
        let text = fs::read_to_string(repository.path(SILVER)).unwrap();
        repository.edit(SILVER, taken, instead);
        let ended = repository.check();
        assert!(
            !ended.stderr.contains("would refuse rows"),
            "{instead}: {}",
            said(&ended)
        );
        fs::write(repository.path(SILVER), text).unwrap();
    }
}

#[test]
fn null_goes_through_computations_to_columns_that_must_have_a_value() {
    let repository = Repository::new();
    let price = "        physicalType: decimal(12,3)\n        required: true\n";
    repository.edit(SILVER, price, "        physicalType: decimal(12,3)\n");
    repository.commit();
    repository.edit(BRONZE, price, "        physicalType: decimal(12,3)\n");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    let refused = "pipeline sales.invoice_lines would refuse rows: sales.silver.invoice_lines.amount must have a value";
    assert!(ended.stderr.contains(refused), "{}", said(&ended));
    // A computation that gives a value for null breaks nobody.
    repository.edit(
        "pipelines/sales/invoice_lines.sql",
        "quantity * unit_price AS amount",
        "CAST(quantity * coalesce(unit_price, 0) AS DECIMAL(23, 3)) AS amount",
    );
    let ended = repository.check();
    assert!(!ended.stderr.contains("would refuse rows"), "{}", said(&ended));
    assert!(!said(&ended).contains("may lose rows"), "{}", said(&ended));
}
