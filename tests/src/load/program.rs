//! A process that does as it is told, a line at a time, and what it holds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::cpu;

/// A program that reads lines and answers each with one.
pub(super) struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// The program `app`, which stands beside this one.
    pub(super) fn app() -> Command {
        Command::new(std::env::current_exe().expect("a program knows itself").with_file_name("app"))
    }

    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let program = PathBuf::from(command.get_program());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let input = child.stdin.take().expect("it is a pipe");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        Self { child, input, output }
    }

    pub(super) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the program listens");
    }

    pub(super) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the program speaks");
        line.trim_end().to_owned()
    }

    /// The process itself, whatever it was started through.
    fn pid(&self) -> u64 {
        let mut pid: u64 = self.child.id().into();
        while let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            && let [child] = text.split_whitespace().collect::<Vec<_>>()[..]
        {
            pid = child.parse().expect("Linux writes numbers");
        }
        pid
    }

    /// Resident memory in KiB.
    pub(super) fn memory(&self) -> u64 {
        cpu::memory(self.pid())
    }

    pub(super) fn threads(&self) -> u64 {
        let path = format!("/proc/{}/task", self.pid());
        std::fs::read_dir(path).expect("it runs").count() as u64
    }

    /// Everything that it has open.
    pub(super) fn files(&self) -> u64 {
        cpu::files(self.pid())
    }

    pub(super) fn sockets(&self) -> u64 {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs");
        let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count() as u64
    }

    /// Waits for its end, which comes when nothing is told any more.
    pub(super) fn end(self) {
        let Self { mut child, input, output } = self;
        drop((input, output));
        assert!(child.wait().expect("a child can be waited for").success());
    }
}
