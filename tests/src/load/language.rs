//! What calls from a language cost beside the same calls from Rust, and whether cycles of opening and closing leave
//! anything behind.
//!
//! The program that is measured gets a link as its last argument, enrolls in memory, and prints a line. `call N` measures as
//! many calls that ask nobody and is answered with `called` and their median in nanoseconds; `cycle N` opens and closes as
//! often and is answered with `done`.

use std::process::Command;

use super::place::in_memory;
use super::program::Program;
use super::report::{Line, number};
use crate::harness::Site;

/// Calls before those that count.
const WARMING: u32 = 2_000;
/// Calls that count, and how often they are made in turn with those from Rust: the time when least else was going on counts.
const CALLS: (u32, u32) = (1_000, 5);
/// What a call may take beyond the same from Rust, in microseconds.
const CALL_LIMIT: f64 = 100.0;
/// What resident memory may grow by in the last three quarters, in KiB: allocators move by so much.
const GROWTH_LIMIT: f64 = 2_048.0;

/// What a process holds.
struct Held {
    files: u64,
    threads: u64,
    memory: u64,
}

impl Held {
    fn by(program: &Program) -> Self {
        Self { files: program.files(), threads: program.threads(), memory: program.memory() }
    }
}

/// Measures the program that `command` starts, over `cycles` cycles. Without a command that is the one in Rust.
///
/// # Panics
/// The program does not do as it is told, or the server does not start.
#[must_use]
pub fn language(command: &[String], cycles: u32) -> Vec<Line> {
    let site = in_memory();
    let mut lines = Vec::new();

    let mut measured = match command {
        [] => started(rust(), &site, "ada"),
        [program, arguments @ ..] => {
            let mut theirs = Command::new(program);
            theirs.args(arguments);
            let pair =
                (started(on_one_processor(&theirs), &site, "eve"), started(on_one_processor(&rust()), &site, "dan"));
            let ((there, here), measured) = called(pair);
            measured.end();
            lines.push(Line::said("a call on one processor, and from Rust", format!("{there:.1} us, {here:.1} us")));
            lines.push(Line::at_most("microseconds that the way adds there", there - here, CALL_LIMIT));
            let pair = (started(theirs, &site, "ada"), started(rust(), &site, "bob"));
            let ((there, here), theirs) = called(pair);
            lines.push(Line::said("a call on all processors, and from Rust", format!("{there:.1} us, {here:.1} us")));
            lines.push(Line::at_most("microseconds that the way adds there", there - here, CALL_LIMIT));
            theirs
        }
    };

    let quarter = (cycles / 4).max(1);
    let first = cycled(&mut measured, quarter);
    let last = cycled(&mut measured, 3 * quarter);
    measured.end();

    let grown = |what: fn(&Held) -> u64| number(what(&last)) - number(what(&first));
    let count = 4 * quarter;
    lines.push(Line::said(
        "after a quarter of the cycles, after all",
        format!(
            "{} and {} files, {} and {} threads, {} and {} KiB; {count} cycles",
            first.files, last.files, first.threads, last.threads, first.memory, last.memory
        ),
    ));
    lines.push(Line::at_most("files more", grown(|held| held.files), 0.0));
    lines.push(Line::at_most("threads more", grown(|held| held.threads), 0.0));
    lines.push(Line::at_most("KiB more", grown(|held| held.memory), GROWTH_LIMIT));
    lines
}

/// The program in Rust.
fn rust() -> Command {
    let mut rust = Program::app();
    rust.arg("link");
    rust
}

/// The same program, kept on one processor: what the way between does itself, without the time until another processor has
/// woken up.
fn on_one_processor(program: &Command) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program.get_program()).args(program.get_args());
    command
}

fn started(mut command: Command, site: &Site, user: &str) -> Program {
    command.arg(site.offer(user).link);
    let mut program = Program::start(command);
    let said = program.hear();
    assert!(["ready", "tokens 1"].contains(&said.as_str()), "the program said {said:?}");
    program
}

fn cycled(program: &mut Program, count: u32) -> Held {
    program.tell(&format!("cycle {count}"));
    assert_eq!(program.hear(), "done");
    Held::by(program)
}

/// The least of the medians of calls of each, in microseconds; ends the program in Rust, and returns the other.
fn called((mut theirs, mut rust): (Program, Program)) -> ((f64, f64), Program) {
    let call = |program: &mut Program, count: u32| {
        program.tell(&format!("call {count}"));
        let answer = program.hear();
        let nanoseconds = answer.strip_prefix("called ").and_then(|text| text.parse().ok());
        number(nanoseconds.unwrap_or_else(|| panic!("the program said {answer:?}"))) / 1_000.0
    };
    call(&mut theirs, WARMING);
    call(&mut rust, WARMING);
    let (mut there, mut here) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..CALLS.1 {
        there = there.min(call(&mut theirs, CALLS.0));
        here = here.min(call(&mut rust, CALLS.0));
    }
    rust.end();
    ((there, here), theirs)
}
