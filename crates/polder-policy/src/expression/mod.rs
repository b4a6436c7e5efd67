//! Expressions of one's own, in the Common Expression Language (CEL, <https://cel.dev>): not Turing complete, without
//! effects, known from Kubernetes and Envoy. Compiled once, evaluated within a budget that no expression can exceed.
//!
//! Known are `contract`, `object` and `property` (the elements of the document as JSON), `layer`, `domain`, `dataset` and
//! `column`; the macros and functions of CEL's standard library but those on time.

mod budget;
mod functions;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, SourceInfo};
use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, IdedExpr, Value};
use polder_core::document::{Node, Reader, Span, nearest};

use crate::applies::Scope;

pub(crate) use value::{Document, child};

/// What an expression may cost for all contracts together, in units of the budget: a few seconds of work.
pub(crate) const ALL_UNITS: u64 = 20_000_000;
/// Why an expression has no answer that has cost too much.
pub(crate) const TOO_MANY_STEPS: &str = "it takes too many steps";

/// The longest expression in bytes. What does not fit is no longer one rule.
const MAX_BYTES: usize = 4000;
/// The deepest nesting of an expression, in brackets and in steps (`a.b[0] + 1` has four): evaluation goes down level by
/// level, and a stack has an end.
const MAX_DEPTH: u16 = 40;
/// The most characters that may begin an operator, call or bracket: the parser goes down one by one. Those within texts
/// count too, so that no way of quoting hides any.
const MAX_PARTS: usize = 250;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(functions::environment()));

/// A compiled expression.
pub struct Expression {
    text: String,
    /// The expression, every step of which that can grow draws on the budget.
    compiled: IdedExpr,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// What an expression may ask for.
pub(crate) struct Names<'a> {
    pub(crate) contract: &'a dyn Val,
    pub(crate) object: Option<&'a dyn Val>,
    pub(crate) property: Option<&'a dyn Val>,
    pub(crate) layer: Option<&'a str>,
    pub(crate) domain: Option<&'a str>,
    pub(crate) dataset: Option<&'a str>,
    pub(crate) column: Option<&'a str>,
}

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let text = |text: Option<&'b str>| text.map(|text| CowVal::owned(cel::common::types::CelString::from(text)));
        match variable {
            "contract" => Some(CowVal::Borrowed(self.contract)),
            "object" => self.object.map(CowVal::Borrowed),
            "property" => self.property.map(CowVal::Borrowed),
            "layer" => text(self.layer),
            "domain" => text(self.domain),
            "dataset" => text(self.dataset),
            "column" => text(self.column),
            _ => None,
        }
    }
}

/// The names that an expression of this scope may use.
fn known(scope: Scope) -> &'static [&'static str] {
    match scope {
        Scope::Contract => &["contract", "domain"],
        Scope::Object => &["contract", "object", "layer", "domain", "dataset"],
        Scope::Property => &["contract", "object", "property", "layer", "domain", "dataset", "column"],
    }
}

impl Expression {
    /// Compiles the expression that stands at `node`. What is wrong with it is reported at its own line and column.
    pub(crate) fn compile(reader: &Reader<'_>, node: &Node, text: &str, scope: Scope) -> Option<Self> {
        let report =
            |span: Span, message: String, help: Option<String>| reader.error(span, "expression", message, help);
        if text.len() > MAX_BYTES {
            let message = format!("the expression has more than {MAX_BYTES} bytes");
            report(node.span, message, Some("make several policies of it".to_owned()));
            return None;
        }
        if text.chars().filter(|c| "+-*/%<=>!&|?:.[({,".contains(*c)).count() > MAX_PARTS {
            let message = format!("the expression has more than {MAX_PARTS} operators, calls and brackets");
            report(node.span, message, Some("make several policies of it".to_owned()));
            return None;
        }
        let parser = ENVIRONMENT.parser().max_recursion_depth(MAX_DEPTH);
        // What another maker's parser does not foresee must not end the command.
        let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse_with_source_info(text)));
        let (mut compiled, info) = match parsed {
            Ok(Ok(parsed)) => parsed,
            Ok(Err(errors)) => {
                for error in &errors.errors {
                    let span = locate(reader, node.span, text, error.pos);
                    let message = format!("not valid CEL: {}", error.msg.trim_end());
                    let help = has_lone_equals(text).then(|| "values are compared with `==`".to_owned());
                    report(span, message, help);
                }
                return None;
            }
            Err(_) => {
                report(node.span, "the expression cannot be read".to_owned(), None);
                return None;
            }
        };
        if depth(&compiled) > usize::from(MAX_DEPTH) {
            let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
            report(node.span, message, Some("make several policies of it".to_owned()));
            return None;
        }
        let mut strangers = Vec::new();
        Strangers {
            known: known(scope),
            found: &mut strangers,
        }
        .expression(&compiled, &mut Vec::new());
        for (id, message, help) in &strangers {
            let span = place(&info, *id).map_or(node.span, |at| locate(reader, node.span, text, at));
            report(span, message.clone(), help.clone());
        }
        if !strangers.is_empty() {
            return None;
        }
        budget::draw(&mut compiled);
        Some(Self {
            text: text.to_owned(),
            compiled,
        })
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the last evaluation on this thread has cost.
    pub(crate) fn cost(&self) -> u64 {
        budget::used()
    }

    /// Whether the expression is true.
    ///
    /// # Errors
    /// Why it has no answer: something is not there, types do not fit, its value is no boolean, it costs too much.
    pub(crate) fn holds(&self, names: &Names<'_>) -> Result<bool, String> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(names);
        budget::refill();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            match Value::resolve_val(&self.compiled, &context) {
                Ok(value) => value
                    .downcast_ref::<CelBool>()
                    .map(|value| *value.inner())
                    .ok_or_else(|| format!("its value is {}, not true or false", value.get_type().name())),
                Err(error) => Err(shortened(&error.to_string())),
            }
        }));
        if budget::is_spent() {
            return Err(TOO_MANY_STEPS.to_owned());
        }
        outcome.unwrap_or_else(|_| Err("it cannot be evaluated".to_owned()))
    }
}

/// Whether a single `=` stands outside of texts: other languages compare with it.
fn has_lone_equals(text: &str) -> bool {
    let (mut quote, mut before, mut rest) = (None, ' ', text.chars().peekable());
    while let Some(c) = rest.next() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '=' && !"=!<>".contains(before) && rest.peek() != Some(&'=') => return true,
            None => {}
        }
        before = c;
    }
    false
}

/// The levels of the tree.
fn depth(expression: &IdedExpr) -> usize {
    let deepest = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(depth).max().unwrap_or(0);
    1 + match &expression.expr {
        Expr::Call(call) => deepest(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::Comprehension(of) => {
            deepest(&mut [&of.iter_range, &of.accu_init, &of.loop_cond, &of.loop_step, &of.result].into_iter())
        }
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => deepest(&mut map.entries.iter().flat_map(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            EntryExpr::StructField(field) => vec![&field.value],
        })),
        Expr::Select(select) => depth(&select.operand),
        Expr::Struct(of) => deepest(&mut of.entries.iter().filter_map(|entry| match &entry.expr {
            EntryExpr::StructField(field) => Some(&field.value),
            EntryExpr::MapEntry(_) => None,
        })),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

/// An error's text may quote a whole document.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 200;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Finds names and functions that nobody knows.
struct Strangers<'s> {
    known: &'static [&'static str],
    found: &'s mut Vec<(u64, String, Option<String>)>,
}

impl Strangers<'_> {
    fn expression(&mut self, expression: &IdedExpr, own: &mut Vec<String>) {
        match &expression.expr {
            Expr::Ident(name) => {
                if !name.starts_with('@')
                    && !own.contains(name)
                    && !self.known.contains(&name.as_str())
                    && !is_type(name)
                {
                    let help = nearest(name, self.known.iter().copied()).map_or_else(
                        || format!("known here: {}", self.known.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.found
                        .push((expression.id, format!("`{name}` is not known"), Some(help)));
                }
            }
            Expr::Call(call) => {
                let operator = call.func_name.contains(['_', '@', '!', '-']);
                if !operator && !functions::NAMES.contains(&call.func_name.as_str()) {
                    let near = nearest(&call.func_name, functions::NAMES.iter().copied());
                    let help = near.map_or_else(
                        || format!("functions are: {}", functions::NAMES.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    let message = format!("there is no function `{}`", call.func_name);
                    self.found.push((expression.id, message, Some(help)));
                }
                for part in call.target.as_deref().into_iter().chain(&call.args) {
                    self.expression(part, own);
                }
            }
            Expr::Comprehension(comprehension) => {
                self.expression(&comprehension.iter_range, own);
                let outside = own.len();
                own.push(comprehension.iter_var.clone());
                own.push(comprehension.accu_var.clone());
                own.extend(comprehension.iter_var2.clone());
                for part in [
                    &comprehension.accu_init,
                    &comprehension.loop_cond,
                    &comprehension.loop_step,
                    &comprehension.result,
                ] {
                    self.expression(part, own);
                }
                own.truncate(outside);
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.expression(element, own)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.expression(&entry.key, own);
                        self.expression(&entry.value, own);
                    }
                }
            }
            Expr::Select(select) => self.expression(&select.operand, own),
            Expr::Struct(_) => {
                let message = "there are no messages of a type here".to_owned();
                self.found
                    .push((expression.id, message, Some("write a map: {'key': value}".to_owned())));
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }
}

/// Types are values: `type(x) == string`.
fn is_type(name: &str) -> bool {
    [
        "bool",
        "bytes",
        "double",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "type",
        "uint",
    ]
    .contains(&name)
}

/// Line and column, both from 1, of a part of the expression.
fn place(info: &SourceInfo, id: u64) -> Option<(isize, isize)> {
    let start = info.offset_for(id)?.0 as usize;
    let before: String = info.source.chars().take(start).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some((isize::try_from(line).ok()?, isize::try_from(column).ok()?))
}

/// The place in the document of a line and column of an expression that it holds. Where the text stands there in another
/// form (folded, escaped), the place is that of the whole expression.
fn locate(reader: &Reader<'_>, whole: Span, text: &str, (line, column): (isize, isize)) -> Span {
    let found = || {
        let written = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let blanks = written.chars().take_while(|c| c.is_whitespace()).count();
        let within = usize::try_from(column).ok()?.checked_sub(1)?.checked_sub(blanks)?;
        let document = reader.source().text.get(whole.start..whole.end)?;
        let line_start = document.find(written.trim()).filter(|_| !written.trim().is_empty())?;
        let inside: usize = written.trim().chars().take(within).map(char::len_utf8).sum();
        let before = document.get(..line_start + inside)?;
        let start = whole.start + before.len();
        let end = document[before.len()..]
            .chars()
            .next()
            .filter(|c| *c != '\n')
            .map_or(start, |c| start + c.len_utf8());
        let (line, column) = match before.rsplit_once('\n') {
            Some((_, last)) => (whole.line + before.matches('\n').count(), last.chars().count() + 1),
            None => (whole.line, whole.column + before.chars().count()),
        };
        Some(Span {
            line,
            column,
            start,
            end,
        })
    };
    found().unwrap_or(whole)
}
