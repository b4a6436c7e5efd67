//! The origins of an expression's value.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::expr::{AggregateFunctionParams, Sort, WindowFunctionParams};
use datafusion::logical_expr::{BinaryExpr, Case, Cast, Expr, Subquery, TryCast, WindowFunctionDefinition};

use super::choice;
use super::nature::{Nature, is_count};
use super::origins::{Dependency, Origins};
use super::trace::{Scope, Tracer};
use super::uses::{self, Looks, looks};

impl Tracer {
    /// What an expression over the columns of `scope` is computed from.
    pub(super) fn expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Origins> {
        Ok(match expr {
            Expr::Column(column) => scope.find(column).cloned().unwrap_or_default(),
            Expr::OuterReferenceColumn(_, column) => scope.find_around(column).cloned().unwrap_or_default(),
            Expr::Alias(alias) => self.expression(&alias.expr, scope)?,
            Expr::ScalarFunction(call) if call.name() == "get_field" => self.field(&call.args, scope)?,
            Expr::ScalarFunction(call) if call.name() == "array_element" => self.element(&call.args, scope)?,
            Expr::ScalarFunction(call) if choice::of_arguments(call.name()) => {
                let origins = match call.name() {
                    by @ ("greatest" | "least") => self.all_used(&call.args, by, Looks::Compares, scope)?,
                    _ => self.expressions(&call.args, scope)?,
                };
                origins.chosen(Dependency::Transformation)
            }
            Expr::ScalarFunction(call) if call.name() == "nullif" => self.unless_equal(&call.args, scope)?,
            Expr::Cast(_) | Expr::TryCast(_) => self.cast(expr, scope)?,
            Expr::Case(case) => self.case(case, scope)?,
            Expr::AggregateFunction(function) => self.aggregate(function.func.name(), &function.params, scope)?,
            Expr::WindowFunction(function) => {
                let direct = match &function.fun {
                    WindowFunctionDefinition::AggregateUDF(_) => Dependency::Aggregation,
                    WindowFunctionDefinition::WindowUDF(_) => Dependency::Transformation,
                };
                self.window(function.fun.name(), &function.params, direct, scope)?
            }
            Expr::ScalarSubquery(subquery) => self.subquery(subquery, scope)?,
            Expr::Exists(exists) => self.rows_of(&exists.subquery, scope)?,
            Expr::InSubquery(within) => self.held_against(expr, &within.expr, &within.subquery, scope)?,
            Expr::SetComparison(comparison) => {
                self.held_against(expr, &comparison.expr, &comparison.subquery, scope)?
            }
            Expr::BinaryExpr(binary) if self.keeps_uses => self.used_chain(binary, scope)?,
            Expr::BinaryExpr(binary) => self.chain(binary, scope)?,
            Expr::ScalarFunction(call) if uses::is_of_days(call) => self.of_days(call, scope)?,
            Expr::ScalarFunction(call) => {
                let origins = self.all_used(&call.args, call.name(), Looks::Whole, scope)?;
                origins.computed(Dependency::Transformation)
            }
            other => self.operands(other, scope)?,
        })
    }

    /// What several expressions are computed from, together.
    pub(super) fn expressions<'e>(
        &mut self,
        list: impl IntoIterator<Item = &'e Expr>,
        scope: &Scope<'_>,
    ) -> Result<Origins> {
        let mut origins = Origins::default();
        for expr in list {
            origins.add(&self.expression(expr, scope)?);
        }
        Ok(origins)
    }

    /// Operators in a row (`a AND b AND …`) without a call for each: there can be thousands.
    fn chain(&mut self, binary: &BinaryExpr, scope: &Scope<'_>) -> Result<Origins> {
        let mut origins = Origins::default();
        let mut open = vec![binary.left.as_ref(), binary.right.as_ref()];
        while let Some(expr) = open.pop() {
            match expr {
                Expr::BinaryExpr(inner) => open.extend([inner.left.as_ref(), inner.right.as_ref()]),
                other => origins.add(&self.expression(other, scope)?),
            }
        }
        Ok(origins.computed(Dependency::Transformation))
    }

    /// Everything inside of an expression goes into its value.
    fn operands(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Origins> {
        let mut origins = Origins::default();
        expr.apply_children(|child| {
            origins.add(&match looks(expr) {
                Some((by, looks)) => self.used(child, by, looks, scope)?,
                None => self.expression(child, scope)?,
            });
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(origins.computed(Dependency::Transformation))
    }

    /// `address['city']`: the value inside, where the struct itself is passed on; `prices['net']` of a map: one of its
    /// values, whatever its key.
    fn field(&mut self, args: &[Expr], scope: &Scope<'_>) -> Result<Origins> {
        let Some((base, keys)) = args.split_first() else {
            return Ok(Origins::default());
        };
        let mut origins = self.expression(base, scope)?;
        let mut kind = scope.type_of(base);
        for key in keys {
            let around = kind.take();
            if let Some(DataType::Map(entries, _)) = &around {
                origins = origins.inside(&mut self.columns, ".value");
                origins.add(&self.expression(key, scope)?.steering(Dependency::Conditional));
                kind = match entries.data_type() {
                    DataType::Struct(entry) => entry.get(1).map(|value| value.data_type().clone()),
                    _ => None,
                };
                continue;
            }
            kind = match (&around, key) {
                (Some(DataType::Struct(fields)), Expr::Literal(name, _)) => {
                    let field = name.try_as_str().flatten().and_then(|name| fields.find(name));
                    field.map(|(_, field)| field.data_type().clone())
                }
                _ => None,
            };
            match key {
                Expr::Literal(name, _) => match name.try_as_str().flatten() {
                    Some(name) => origins = origins.inside(&mut self.columns, &format!(".{name}")),
                    None => origins = origins.computed(Dependency::Transformation),
                },
                computed => {
                    origins.add(&self.expression(computed, scope)?);
                    origins = origins.computed(Dependency::Transformation);
                }
            }
        }
        Ok(origins)
    }

    /// `lines[1]`: one of the items.
    fn element(&mut self, args: &[Expr], scope: &Scope<'_>) -> Result<Origins> {
        let Some((base, index)) = args.split_first() else {
            return Ok(Origins::default());
        };
        let items = self.expression(base, scope)?;
        let mut origins = items.inside(&mut self.columns, "[]");
        origins.add(&self.expressions(index, scope)?.steering(Dependency::Conditional));
        Ok(origins)
    }

    /// `nullif(a, b)`: the first, where the second is another.
    fn unless_equal(&mut self, args: &[Expr], scope: &Scope<'_>) -> Result<Origins> {
        let (first, others) = args.split_at(1.min(args.len()));
        let mut origins = self.expressions(first, scope)?.chosen(Dependency::Transformation);
        let compared = self.all_used(args, "nullif", Looks::Compares.with(others), scope)?;
        origins.add(&compared.steering(Dependency::Conditional));
        Ok(origins)
    }

    /// The value of a subquery that another value is compared with.
    fn held_against(&mut self, by: &Expr, value: &Expr, others: &Subquery, scope: &Scope<'_>) -> Result<Origins> {
        let mut origins = self.expression(value, scope)?;
        let mut more = self.subquery(others, scope)?;
        if let Some((by, looks)) = looks(by) {
            self.note(&mut origins, by, looks, scope.type_of(value).as_ref());
            let field = others.subquery.schema().fields().first();
            self.note(&mut more, by, looks, field.map(|field| field.data_type()));
        }
        origins.add(&more);
        Ok(origins.computed(Dependency::Transformation))
    }

    /// A cast, which leaves values as they are where its type holds them all.
    fn cast(&mut self, cast: &Expr, scope: &Scope<'_>) -> Result<Origins> {
        let (Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. })) = cast else {
            return self.operands(cast, scope);
        };
        let mut origins = self.expression(expr, scope)?;
        let (from, to) = (scope.type_of(expr), scope.type_of(cast));
        if let Some((from, to)) = from.as_ref().zip(to.as_ref()) {
            self.note_cast(&mut origins, cast, from, to);
        }
        Ok(match (from, to) {
            (Some(from), Some(to)) if choice::holds(&from, &to) => origins.chosen(Dependency::Transformation),
            _ => origins.computed(Dependency::Transformation),
        })
    }

    fn case(&mut self, case: &Case, scope: &Scope<'_>) -> Result<Origins> {
        let conditions = case.when_then_expr.iter().map(|(when, _)| when.as_ref());
        let values = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
        let values = values.chain(case.else_expr.as_deref());
        let mut origins = self.expressions(values, scope)?.chosen(Dependency::Transformation);
        let conditions = match case.expr.as_deref() {
            // Each is compared with the value.
            Some(value) => {
                let looks = Looks::Compares.with(conditions.clone());
                self.all_used(conditions.chain([value]), "CASE", looks, scope)?
            }
            None => self.expressions(conditions, scope)?,
        };
        origins.add(&conditions.steering(Dependency::Conditional));
        Ok(origins)
    }

    fn aggregate(&mut self, name: &str, params: &AggregateFunctionParams, scope: &Scope<'_>) -> Result<Origins> {
        let args = self.arguments(name, (&params.args, params.distinct), scope)?;
        let mut origins = match self.is_count(name) {
            true => args.steering(Dependency::Conditional),
            false if choice::of_rows(name) => args.chosen(Dependency::Aggregation),
            false => args.computed(Dependency::Aggregation),
        };
        let filter = self.expressions(params.filter.as_deref(), scope)?;
        origins.add(&filter.steering(Dependency::Conditional));
        origins.add(&self.sorted(&params.order_by, scope)?.steering(Dependency::Sort));
        Ok(origins)
    }

    fn window(
        &mut self,
        name: &str,
        params: &WindowFunctionParams,
        direct: Dependency,
        scope: &Scope<'_>,
    ) -> Result<Origins> {
        let args = self.arguments(name, (&params.args, params.distinct), scope)?;
        let mut origins = match self.is_count(name) {
            true => args.steering(Dependency::Conditional),
            false if choice::of_rows(name) => args.chosen(direct),
            false => args.computed(direct),
        };
        let filter = self.expressions(params.filter.as_deref(), scope)?;
        origins.add(&filter.steering(Dependency::Conditional));
        let mut frame = self.all_used(&params.partition_by, "PARTITION BY", Looks::Compares, scope)?;
        frame.add(&self.sorted(&params.order_by, scope)?);
        origins.add(&frame.steering(Dependency::Window));
        Ok(origins)
    }

    /// Whether a function only counts, and that is to be no value of what it counts.
    fn is_count(&self, name: &str) -> bool {
        self.counts_tell_nothing && is_count(name)
    }

    /// What orders rows.
    pub(super) fn sorted(&mut self, sorts: &[Sort], scope: &Scope<'_>) -> Result<Origins> {
        let sorts = sorts.iter().map(|sort| &sort.expr);
        self.all_used(sorts, "ORDER BY", Looks::Compares, scope)
    }

    /// The value of a subquery with one column.
    fn subquery(&mut self, subquery: &Subquery, scope: &Scope<'_>) -> Result<Origins> {
        let traced = self.plan(&subquery.subquery, Some(scope))?;
        let mut origins = traced.columns.into_iter().next().unwrap_or_default();
        if origins.nature != Nature::Count {
            origins.add(&traced.rows);
        }
        Ok(origins.chosen(Dependency::Transformation))
    }

    /// Whether a subquery has rows.
    fn rows_of(&mut self, subquery: &Subquery, scope: &Scope<'_>) -> Result<Origins> {
        Ok(self.plan(&subquery.subquery, Some(scope))?.rows)
    }
}
