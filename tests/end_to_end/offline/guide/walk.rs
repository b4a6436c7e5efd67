//! A walk through one page, in a home of its own.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::mem;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use polder_testkit::Polder;
use tempfile::TempDir;

use super::days::{day, moved, today};
use super::likeness::{fits, like};
use crate::mesh::repository;

/// Walks a page and fails with everything in it that is not so.
///
/// Where midnight passes meanwhile, it is walked again: the page and the binary may have meant different days.
pub(super) fn walk(page: &'static str) {
    let mut begun = today();
    let mut untrue = Walk::new(page, begun).finish();
    if today() != begun {
        begun = today();
        untrue = Walk::new(page, begun).finish();
    }
    assert!(untrue.is_empty(), "\n{}\n", untrue.join("\n\n"));
}

struct Walk {
    page: &'static str,
    /// The line that is read.
    line: usize,
    home: TempDir,
    /// The folder that the commands so far have led to.
    at: PathBuf,
    today: i64,
    /// How many days today is after the page's.
    later: i64,
    /// The comments that belong to the block that follows.
    marks: BTreeMap<String, String>,
    untrue: Vec<String>,
}

/// A command of a block.
struct Step<'a> {
    line: usize,
    command: String,
    /// What stands below it.
    shown: Vec<&'a str>,
}

impl Walk {
    fn new(page: &'static str, today: i64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (at, programs) = (home.path().join("work"), home.path().join("bin"));
        fs::create_dir(&at).unwrap();
        fs::create_dir(&programs).unwrap();
        symlink(Polder::in_folder(&at).file(), programs.join("polder")).unwrap();
        let reader = "[user]\n\tname = ada\n\temail = ada@shop.example\n";
        fs::write(home.path().join(".gitconfig"), reader).unwrap();
        Self {
            page,
            line: 0,
            home,
            at,
            today,
            later: 0,
            marks: BTreeMap::new(),
            untrue: Vec::new(),
        }
    }

    fn fails(&mut self, why: &str) {
        self.untrue.push(format!("{}:{}: {why}", self.page, self.line));
    }

    /// Reads the page; gives all that is not so.
    fn finish(mut self) -> Vec<String> {
        let text = fs::read_to_string(repository().join(self.page)).unwrap();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            self.line = number;
            if let Some(begun) = line.strip_prefix("<!--") {
                let mut comment = begun.to_owned();
                while !comment.ends_with("-->") {
                    let (more, _) = lines.next().expect("a comment has an end");
                    comment = format!("{comment}\n{more}");
                }
                let comment = moved(comment.trim_end_matches("-->").trim(), self.later);
                self.comment(&comment);
            } else if let Some(language) = line.trim_start().strip_prefix("```") {
                let within = lines.by_ref().map(|(line, _)| line);
                let block = within.take_while(|line| line.trim_start() != "```");
                let block: Vec<String> = block.map(|line| moved(line, self.later)).collect();
                self.block(language, &block);
            } else if !line.is_empty() && !self.marks.is_empty() {
                let marks = mem::take(&mut self.marks);
                self.fails(&format!("no block follows on {marks:?}"));
            }
        }
        self.untrue
    }

    fn comment(&mut self, comment: &str) {
        let Some((name, value)) = comment.split_once(": ") else {
            return self.fails(&format!("nobody knows what to do with {comment:?}"));
        };
        match name {
            "file" | "append" | "excerpt" | "exit" | "varies" | "shown" => {
                self.marks.insert(name.to_owned(), value.to_owned());
            }
            "note" => {}
            "edit" => self.edit(value),
            "run" => {
                let (ended, said) = self.shell(&format!("set -e\n{value}"));
                if ended != "0" {
                    self.fails(&format!("`{value}` ended with {ended}:\n{said}"));
                }
            }
            // The comment itself was moved by the one before.
            "today" => self.later += self.today - day(value).expect("a day"),
            _ => self.fails(&format!("nobody knows what `{name}` is")),
        }
    }

    /// Changes a file as by hand.
    fn edit(&mut self, value: &str) {
        let (path, changes) = value.split_once('\n').expect("a path, and the changes below");
        let file = self.at.join(path);
        let mut text = format!("\n{}", fs::read_to_string(&file).unwrap());
        let lines: Vec<&str> = changes.lines().collect();
        for change in lines.split(|line| line.is_empty()) {
            let side = |sign: char| -> String {
                let lines = change.iter().filter_map(|line| line.strip_prefix([sign, ' ']));
                lines.fold("\n".to_owned(), |side, line| side + line + "\n")
            };
            if text.matches(&side('-')).count() == 1 {
                text = text.replace(&side('-'), &side('+'));
            } else {
                self.fails(&format!("not once in {path}:{}which is:{text}", side('-')));
            }
        }
        fs::write(file, &text[1..]).unwrap();
    }

    fn block(&mut self, language: &str, block: &[String]) {
        let marks = mem::take(&mut self.marks);
        let block: Vec<&str> = block.iter().map(String::as_str).collect();
        if let Some(path) = marks.get("file").or(marks.get("append")) {
            let file = self.at.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let before = marks.get("append").map(|_| fs::read_to_string(&file).unwrap());
            fs::write(file, before.unwrap_or_default() + &block.join("\n") + "\n").unwrap();
        } else if let Some(path) = marks.get("excerpt") {
            let text = format!("\n{}\n\n", fs::read_to_string(self.at.join(path)).unwrap());
            let anywhere = [&["…"], &block[..], &["…"]].concat();
            if !like(&anywhere, &text.lines().collect::<Vec<_>>()) {
                self.fails(&format!("that does not stand in {path}, which is:{text}"));
            }
        } else if language == "console" && !marks.contains_key("shown") {
            self.console(&block, &marks);
        } else if !marks.contains_key("shown") {
            self.fails("this block is neither commands nor marked");
        }
    }

    /// Runs the commands of a block and holds what they print against what is shown.
    fn console(&mut self, block: &[&str], marks: &BTreeMap<String, String>) {
        let mut steps: Vec<Step<'_>> = Vec::new();
        for (line, number) in block.iter().zip(self.line + 1..) {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step {
                    line: number,
                    command: command.to_owned(),
                    shown: Vec::new(),
                });
                continue;
            }
            let Some(Step { command, shown, .. }) = steps.last_mut() else {
                return self.fails("no command prints what this block begins with");
            };
            let open = command.ends_with('\\') || command.matches('"').count() % 2 == 1;
            if open && shown.is_empty() {
                *command = format!("{command}\n{line}");
            } else {
                shown.push(line);
            }
        }
        let list = |name: &str| marks.get(name).map(|list| list.split(", ").collect::<Vec<_>>());
        let codes = list("exit").unwrap_or_else(|| vec!["0"; steps.len()]);
        if codes.len() != steps.len() {
            return self.fails(&format!("{} commands, exit codes {codes:?}", steps.len()));
        }
        let varying = list("varies").unwrap_or_default();
        if let Some(text) = varying.iter().find(|text| !block.join("\n").contains(**text)) {
            self.fails(&format!("{text:?} varies, and is not there"));
        }
        for (step, code) in steps.iter().zip(codes) {
            self.line = step.line;
            self.step(step, code, &varying);
        }
    }

    fn step(&mut self, Step { command, shown, .. }: &Step<'_>, code: &str, varying: &[&str]) {
        let (ended, said) = self.shell(command);
        let mut wrong = String::new();
        if ended != code {
            wrong = format!("ended with {ended}, not with {code}\n");
        }
        let vague = varying
            .iter()
            .fold(shown.join("\n"), |all, text| all.replace(text, "…"));
        let (vague, printed): (Vec<_>, Vec<_>) = (vague.lines().collect(), said.trim_end().lines().collect());
        if !shown.is_empty() && !like(&vague, &printed) {
            let missing = vague
                .iter()
                .find(|line| !printed.iter().any(|printed| fits(line, printed)));
            let missing = missing.map_or_else(String::new, |line| format!("nowhere printed: {line}\n"));
            wrong = format!("{wrong}{missing}--- the page shows\n{}\n", shown.join("\n"));
        }
        if !wrong.is_empty() {
            self.fails(&format!("`{command}`\n{wrong}--- and it printed\n{said}"));
        }
    }

    /// Runs commands where the ones before have led to. Gives their exit code, and what both outputs say in its order.
    fn shell(&mut self, commands: &str) -> (String, String) {
        let home = self.home.path();
        let output = File::create(home.join("said")).unwrap();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([home.join("bin")].into_iter().chain(env::split_paths(&path))).unwrap();
        let script = format!("trap 'pwd >\"$HOME/at\"' EXIT\n{commands}");
        let status = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&self.at)
            // Nothing here depends on who runs the tests.
            .env_clear()
            .envs([("HOME", home.as_os_str()), ("PATH", &path)])
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("REPOSITORY", repository())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .status()
            .unwrap();
        let code = status
            .code()
            .map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        let read = |name: &str| fs::read_to_string(home.join(name)).unwrap();
        let said = read("said");
        self.at = PathBuf::from(read("at").trim_end());
        (code, said)
    }
}
