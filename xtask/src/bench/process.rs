//! One run of a program: time, processor time and peak memory.

use std::{
    fs,
    io::Read,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::processes;

/// The unit of processor times in /proc on every Linux: 1/100 s.
const TICK: Duration = Duration::from_millis(10);
/// How often a running program is looked at: what it grows by in its last moment may be missed.
const LOOK: Duration = Duration::from_millis(2);

/// What a run took.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// From start to end.
    pub(super) wall: Duration,
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// The most memory that was resident, in bytes, the program's own pages and mapped files among it.
    pub(super) peak: u64,
    /// What it printed.
    pub(super) output: String,
}

/// Runs a program to its end. The error shows the end of what it printed.
pub(super) fn measure(command: &mut Command) -> Result<Run> {
    measured(command, |status| status.success())
}

/// Runs a program that checks something: it may end with 1 where a check fails.
pub(super) fn measure_verdict(command: &mut Command) -> Result<Run> {
    measured(command, |status| matches!(status.code(), Some(0 | 1)))
}

fn measured(command: &mut Command, is_good: impl Fn(ExitStatus) -> bool) -> Result<Run> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let output = collect(child.stdout.take());
    let errors = collect(child.stderr.take());
    let folder = format!("/proc/{}", child.id());
    let mut peak = 0;
    // Nobody waits for it before its times are read, so an ended program stays in /proc.
    let (wall, cpu) = loop {
        let (state, cpu) = times(&fs::read_to_string(format!("{folder}/stat"))?)?;
        if state == 'Z' {
            break (start.elapsed(), cpu);
        }
        let status = fs::read_to_string(format!("{folder}/status"))?;
        peak = high_water(&status).unwrap_or_default().max(peak);
        thread::sleep(LOOK);
    };
    let status = child.wait()?;
    let text =
        |thread: thread::JoinHandle<Vec<u8>>| String::from_utf8_lossy(&thread.join().unwrap_or_default()).into_owned();
    let (output, errors) = (text(output), text(errors));
    if !is_good(status) {
        bail!(
            "{name} ended with {status}:\n{}",
            processes::tail(&format!("{output}\n{errors}"), 15)
        );
    }
    Ok(Run {
        wall,
        cpu,
        peak,
        output,
    })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut pipe) = pipe {
            // What cannot be read is not there to be shown.
            drop(pipe.read_to_end(&mut text));
        }
        text
    })
}

/// State and processor time from `/proc/PID/stat` (proc(5), fields 3, 14 and 15).
fn times(stat: &str) -> Result<(char, Duration)> {
    // The second field is the program's name in brackets, which may hold anything.
    let fields = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>());
    let fields = fields
        .filter(|fields| fields.len() > 12)
        .context("/proc/PID/stat is not as it should be")?;
    let ticks: u32 = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
    Ok((fields[0].chars().next().unwrap_or_default(), TICK * ticks))
}

/// `VmHWM` of `/proc/PID/status`, in bytes.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::{high_water, measure, times};

    #[test]
    fn times_are_read_whatever_the_program_is_called() {
        let stat = "42 (a) b (c)) Z 1 42 42 0 -1 4194560 500 0 0 0 150 25 0 0 20 0 9 0 7000 0 0";
        assert_eq!(times(stat).unwrap(), ('Z', Duration::from_millis(1750)));
    }

    #[test]
    fn peak_memory_is_in_bytes() {
        assert_eq!(high_water("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
    }

    #[test]
    fn a_program_that_works_shows_time_and_memory() {
        let run =
            measure(Command::new("sh").args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo $i"]));
        let run = run.unwrap();
        assert_eq!(run.output.trim(), "200000");
        assert!(
            run.cpu > Duration::ZERO && run.cpu <= run.wall + Duration::from_millis(20),
            "{run:?}"
        );
        assert!(run.peak > 100_000, "{run:?}");
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_words() {
        let error = measure(Command::new("sh").args(["-c", "echo no such lake >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("no such lake"), "{error}");
    }
}
