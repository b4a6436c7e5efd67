//! What an expression may cost.
//!
//! CEL has no recursion and no loops but those over lists and maps, so an expression always ends; nested loops over a
//! large document, or values that double at each step, would still take too long. So whatever a loop goes through, and
//! every value that an operator or literal makes, is weighed: one unit for each value in it and each 64 bytes of its text.
//! A loop's body therefore runs at most as often as there are units, and no value grows beyond them.

use std::cell::Cell;

use cel::ExecutionError;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, operators};
use cel::common::types::{CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};

/// The function that weighs its argument and gives it back. No expression can name it.
pub(super) const WEIGH: &str = "@weigh";

/// Units for one evaluation: far more than a rule about a contract needs, and done within a few hundredths of a second.
const UNITS: u64 = 1_000_000;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(UNITS) };
}

/// Begins an evaluation on this thread.
pub(super) fn refill() {
    LEFT.set(UNITS);
}

/// Whether the evaluation has used up its units, and its outcome means nothing.
pub(super) fn is_spent() -> bool {
    LEFT.get() == 0
}

/// The units that the evaluation has used, and one for itself.
pub(super) fn used() -> u64 {
    UNITS - LEFT.get() + 1
}

/// Takes units.
///
/// # Errors
/// Where there are no more; every later call fails as well.
pub(super) fn spend(units: u64) -> Result<(), ExecutionError> {
    let left = LEFT.get().saturating_sub(units);
    LEFT.set(left);
    match left {
        0 => Err(ExecutionError::function_error("budget", "too many steps")),
        _ => Ok(()),
    }
}

/// Weighs the one argument, and gives it back as it is.
pub(super) fn weigh<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(value) = arguments.into_iter().next() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    weight(value.as_ref())?;
    Ok(value)
}

fn weight(value: &dyn Val) -> Result<(), ExecutionError> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return spend(1 + text.inner().len() as u64 / 64);
    }
    spend(1)?;
    if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner().iter().try_for_each(|item| weight(item.as_ref()))
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner()
            .values()
            .try_for_each(|value| spend(1).and_then(|()| weight(value.as_ref())))
    } else {
        Ok(())
    }
}

/// Puts the weighing into an expression: around what loops go through and what they collect, and around what operators
/// and literals make.
pub(super) fn draw(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                draw(target);
            }
            call.args.iter_mut().for_each(draw);
            match call.func_name.as_str() {
                operators::ADD => wrap(expression),
                // Both go through a value that may be as large as the document.
                operators::IN => call.args.iter_mut().skip(1).for_each(wrap),
                operators::EQUALS | operators::NOT_EQUALS => {
                    let plain = |side: &IdedExpr| matches!(side.expr, Expr::Literal(_));
                    if !call.args.iter().any(plain) {
                        call.args.iter_mut().take(1).for_each(wrap);
                    }
                }
                _ => {}
            }
        }
        Expr::Comprehension(comprehension) => draw_loop(comprehension),
        Expr::List(list) => {
            let plain = list
                .elements
                .iter()
                .all(|element| matches!(element.expr, Expr::Literal(_)));
            list.elements.iter_mut().for_each(draw);
            if !plain {
                wrap(expression);
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    draw(&mut entry.key);
                    draw(&mut entry.value);
                }
            }
            wrap(expression);
        }
        Expr::Select(select) => draw(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

fn draw_loop(comprehension: &mut ComprehensionExpr) {
    draw(&mut comprehension.iter_range);
    wrap(&mut comprehension.iter_range);
    let ComprehensionExpr {
        accu_var, loop_step, ..
    } = comprehension;
    draw_step(loop_step, accu_var);
}

/// The parts of a step that the author wrote. What the macro put around them keeps its form, by which the interpreter
/// knows that it can append instead of copying.
fn draw_step(step: &mut IdedExpr, result: &str) {
    let is_result = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if name == result);
    let Expr::Call(call) = &mut step.expr else {
        return draw(step);
    };
    match (call.func_name.as_str(), call.args.as_mut_slice()) {
        (operators::CONDITIONAL, [condition, step, otherwise]) if is_result(otherwise) => {
            draw(condition);
            draw_step(step, result);
        }
        (operators::ADD, [left, right]) if is_result(left) => match &mut right.expr {
            Expr::List(list) => list.elements.iter_mut().for_each(|element| {
                draw(element);
                wrap(element);
            }),
            _ => draw(right),
        },
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) if is_result(left) => draw(right),
        _ => draw(step),
    }
}

fn wrap(expression: &mut IdedExpr) {
    let inner = std::mem::take(expression);
    expression.id = inner.id;
    expression.expr = Expr::Call(CallExpr {
        func_name: WEIGH.to_owned(),
        target: None,
        args: vec![inner],
    });
}
