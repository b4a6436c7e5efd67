//! Keys of maps in SQL. The engine joins `o.n['k']` to one way into `o` and pushes that to where files are read, which then
//! looks for a column of the file by the name `o.n.k`, finds none, and fails, where `n` is a map.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ExpressionPlacement, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

use crate::sql_numbers::rewrite::Rewrite;

static OF_OBJECT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(GetFieldFunc::new())));
static OF_MAP: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(MapKey::default())));

/// Keeps keys of maps apart from the fields of objects in all statements of a context: a field is looked for in files, a key
/// in the values that are read.
pub fn keys_apart(context: &SessionContext) {
    context.add_analyzer_rule(Arc::new(Rewrite::new("keys_of_maps", apart)));
}

/// A way into a value as one call a step, where a step is a key of a map. Steps through objects alone stay as they are.
fn apart(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let of_engine = |call: &ScalarFunction| call.func.inner().is::<GetFieldFunc>();
    let Expr::ScalarFunction(call) = &expression else {
        return Ok(Transformed::no(expression));
    };
    let Some((base, steps)) = call.args.split_first().filter(|_| of_engine(call)) else {
        return Ok(Transformed::no(expression));
    };
    let mut reached = base.clone();
    let mut through_map = false;
    for step in steps {
        // What has no type here, such as a variable of a lambda, is left to the engine.
        let Ok(kind) = reached.get_type(schema) else {
            return Ok(Transformed::no(expression));
        };
        let is_map = matches!(kind, DataType::Map(..));
        let function = if is_map { &OF_MAP } else { &OF_OBJECT };
        through_map |= is_map;
        let call = ScalarFunction::new_udf(Arc::clone(function), vec![reached, step.clone()]);
        reached = Expr::ScalarFunction(call);
    }
    Ok(match through_map {
        true => Transformed::yes(reached),
        false => Transformed::no(expression),
    })
}

/// The engine's own function, under its name, but one that it does not know as the way to a column inside of another.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct MapKey {
    get: GetFieldFunc,
}

impl ScalarUDFImpl for MapKey {
    fn name(&self) -> &str {
        self.get.name()
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        self.get.schema_name(arguments)
    }

    fn signature(&self) -> &Signature {
        self.get.signature()
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        self.get.coerce_types(kinds)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        self.get.return_type(kinds)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.get.return_field_from_args(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.get.invoke_with_args(arguments)
    }

    fn placement(&self, arguments: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.get.placement(arguments)
    }
}
