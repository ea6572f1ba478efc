//! Other processes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a program has left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a program to its end, with nothing on standard input.
pub fn output(command: &mut Command) -> Output {
    output_with(command, "")
}

/// Runs a program to its end, with `input` on standard input.
pub fn output_with(command: &mut Command, input: &str) -> Output {
    finish(spawn_with(command, input))
}

/// Starts a program with `input` on standard input.
pub(super) fn spawn_with(command: &mut Command, input: &str) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // A program that does not want it may close it.
    let _ = stdin.write_all(input.as_bytes());
    child
}

/// Waits for the end.
pub(super) fn finish(child: Child) -> Output {
    let output = child.wait_with_output().expect("a child can be waited for");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("programs print UTF-8");
    Output { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A program that sees none of the caller's own configuration.
pub(super) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARDEA_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
    command
}

/// Ends a process by its number, and looks at it; for use from another thread than the one that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killer(u32);

impl Killer {
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// For a program that a test starts itself.
    #[must_use]
    pub fn of_child(child: &Child) -> Self {
        Self::of(child)
    }

    /// At once, as when the power fails.
    pub fn kill(self) {
        self.signal("KILL");
    }

    /// In order.
    pub fn terminate(self) {
        self.signal("TERM");
    }

    /// Lets it do nothing any more; what reaches it waits.
    pub fn freeze(self) {
        self.signal("STOP");
    }

    fn signal(self, name: &str) {
        // It may have ended already.
        let _ = Command::new("kill").arg(format!("-{name}")).arg(self.0.to_string()).stderr(Stdio::null()).status();
    }

    /// How many bytes of memory it occupies.
    #[must_use]
    pub fn memory(self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the system tells");
        let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kibibytes * 1024
    }

    /// How many descriptors it has open.
    #[must_use]
    pub fn descriptors(self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0)).expect("it runs").count()
    }

    /// How many of them are sockets.
    #[must_use]
    pub fn sockets(self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.0)).expect("it runs").flatten();
        let places = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        places.filter(|place| place.to_string_lossy().starts_with("socket:")).count()
    }

    /// Its arguments and its environment, as other users of the machine and its owner see them.
    #[must_use]
    pub fn visible(self) -> String {
        let read = |name: &str| std::fs::read(format!("/proc/{}/{name}", self.0)).unwrap_or_default();
        String::from_utf8_lossy(&[read("cmdline"), read("environ")].concat()).into_owned()
    }
}
