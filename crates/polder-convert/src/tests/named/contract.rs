//! Contracts, written in every format.

use serde_json::Value;

use super::{none, silent};
use crate::export_document;

#[test]
fn everything_in_a_contract_is_carried_or_named_in_every_format() {
    let contract: Value = serde_json::from_str(
        r#"{
        "apiVersion": "v3.2.0", "kind": "DataContract", "id": "orders", "name": "Orders", "version": "1.2.3", "status": "active",
        "domain": "shop", "tenant": "t", "dataProduct": "p", "tags": ["a", "b"], "contractCreatedTs": "2020-01-01T00:00:00Z",
        "description": {"purpose": "p", "usage": "u", "limitations": "l", "customProperties": [{"property": "x", "value": 1}],
            "authoritativeDefinitions": [{"type": "a", "url": "https://x", "description": "d"}]},
        "servers": [{"server": "prod", "type": "postgres", "host": "h", "port": 5432, "database": "d", "schema": "s",
            "environment": "prod", "description": "d", "roles": [{"role": "r"}], "customProperties": [{"property": "x", "value": 1}]}],
        "schema": [
            {"name": "orders", "physicalName": "shop.gold.orders", "physicalType": "table", "logicalType": "object", "id": "o1",
             "businessName": "Orders", "description": "An order.", "dataGranularityDescription": "one each", "tags": ["c"],
             "customProperties": [{"property": "x", "value": 1}],
             "authoritativeDefinitions": [{"type": "a", "url": "https://x"}],
             "quality": [
                {"type": "sql", "query": "SELECT 1", "mustBe": 1, "name": "q", "dimension": "accuracy", "severity": "error"},
                {"metric": "rowCount", "mustBeGreaterThan": 5, "schedule": "0 * * * *", "scheduler": "cron"},
                {"metric": "duplicateValues", "arguments": {"properties": ["id", "customer"]}, "mustBe": 0, "name": "pair"},
                {"type": "custom", "engine": "polder", "implementation": {"row": "total > 5 OR customer IS NULL"}, "name": "sane"},
                {"type": "text", "description": "be good"}],
             "relationships": [{"type": "foreignKey", "from": ["orders.customer", "orders.country"],
                "to": ["customers.id", "customers.country"], "customProperties": [{"property": "x", "value": 1}]}],
             "properties": [
                {"name": "id", "id": "p1", "physicalName": "ID", "logicalType": "integer", "physicalType": "bigint", "required": true,
                 "primaryKey": true, "primaryKeyPosition": 1, "unique": true, "description": "The key.", "businessName": "Key",
                 "classification": "public", "criticalDataElement": true, "encryptedName": "e", "tags": ["d"], "examples": [1, 2],
                 "logicalTypeOptions": {"format": "i64", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2},
                 "customProperties": [{"property": "x", "value": {"a": 1}}],
                 "authoritativeDefinitions": [{"type": "a", "url": "https://x"}],
                 "transformSourceObjects": ["a"], "transformLogic": "x + 1", "transformDescription": "d",
                 "quality": [{"metric": "nullValues", "mustBe": 0, "description": "n", "businessImpact": "b", "method": "m"}]},
                {"name": "customer", "logicalType": "string", "physicalType": "varchar(20)",
                 "logicalTypeOptions": {"minLength": 1, "maxLength": 20, "pattern": "^a", "format": "email"},
                 "relationships": [{"to": "customers.id"}, {"to": "elsewhere/x.yaml#y"}]},
                {"name": "country", "logicalType": "string",
                 "enum": [{"value": "NL", "label": "The Netherlands", "description": "d"}, {"value": "DE"}]},
                {"name": "status", "logicalType": "string",
                 "quality": [{"metric": "invalidValues", "arguments": {"validValues": ["open", "paid"]}, "mustBe": 0}]},
                {"name": "at", "logicalType": "timestamp", "partitioned": true, "partitionKeyPosition": 1,
                 "logicalTypeOptions": {"timezone": true, "defaultTimezone": "UTC", "minimum": "2020-01-01T00:00:00Z", "format": "yyyy"}},
                {"name": "total", "logicalType": "number", "physicalType": "decimal(12,2)", "logicalTypeOptions": {"maximum": 5}},
                {"name": "lines", "logicalType": "array", "logicalTypeOptions": {"minItems": 1, "maxItems": 5, "uniqueItems": true},
                 "items": {"logicalType": "object", "description": "One.", "required": true,
                    "logicalTypeOptions": {"maxProperties": 5, "minProperties": 1, "required": ["sku"]},
                    "properties": [{"name": "sku", "logicalType": "string", "description": "What.", "required": true}]}},
                {"name": "labels", "logicalType": "map",
                 "map": {"key": {"logicalType": "string", "description": "k"}, "value": {"logicalType": "date", "description": "v"}}}
             ]},
            {"name": "customers", "properties": [
                {"name": "id", "logicalType": "string", "primaryKey": true, "primaryKeyPosition": 1, "required": true},
                {"name": "country", "logicalType": "string", "primaryKey": true, "primaryKeyPosition": 2, "required": true}]}
        ],
        "slaDefaultElement": "orders.at",
        "slaProperties": [
            {"property": "latency", "value": 4, "valueExt": 5, "unit": "d", "element": "orders.at", "driver": "regulatory",
                "description": "d", "schedule": "0 * * * *", "scheduler": "cron"},
            {"property": "availability", "value": 99.9, "unit": "percent"},
            {"property": "retention", "value": 3, "unit": "y"}, {"property": "frequency", "value": 1, "unit": "d"},
            {"property": "generalAvailability", "value": "2020-01-01"}],
        "team": {"name": "shop", "description": "d", "members": [{"username": "ada", "role": "owner", "name": "Ada",
            "dateIn": "2020-01-01", "description": "d", "replacedByUsername": "bob", "dateOut": "2021-01-01"}]},
        "roles": [{"role": "reader", "access": "read", "firstLevelApprovers": "a", "description": "d"}],
        "support": [{"channel": "help", "url": "https://x", "tool": "slack", "scope": "issues", "description": "d",
            "invitationUrl": "https://y"}],
        "price": {"priceAmount": 5, "priceCurrency": "EUR", "priceUnit": "GB"},
        "authoritativeDefinitions": [{"type": "a", "url": "https://x", "description": "d"}],
        "customProperties": [{"property": "noticePeriod", "value": "P3M"}, {"property": "x", "value": [1]}]
    }"#,
    )
    .unwrap();
    // The format says again what the physical type says, and `required` what the key does; positions are kept as the order of a key.
    let own = [
        "apiVersion",
        "kind",
        "schema[orders].logicalType",
        "schema[orders].properties[id].physicalType",
        "schema[orders].properties[id].logicalTypeOptions.format",
        "schema[orders].physicalType",
        "schema[orders].quality[sane].type",
        "schema[orders].properties[customer].physicalType",
        "schema[orders].properties[customer].logicalTypeOptions.maxLength",
        "schema[orders].properties[id].primaryKeyPosition",
        "schema[customers].properties[id].primaryKeyPosition",
        "schema[customers].properties[country].primaryKeyPosition",
        "schema[orders].properties[id].required",
        "schema[customers].properties[id].required",
        "schema[customers].properties[country].required",
    ];
    for format in crate::tests::formats() {
        let found = silent(&contract, |document| export_document(document, format), &own);
        assert_eq!(found, none(), "{format:?}");
    }
}
