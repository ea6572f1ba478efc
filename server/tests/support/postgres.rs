//! A PostgreSQL server for tests: a child process in a temporary folder, reached by a socket in it. Included by the tests
//! of several packages.
//!
//! The server is watched by a shell that holds one end of a pipe. When the test's process is gone, however it ended, the
//! shell stops the server and deletes the folder.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Runs the server until a line says how to stop it, or nobody is left to say so.
const WATCH: &str = r#"
"$1/postgres" -D "$2/data" >>"$2/log" 2>&1 &
read -r how || how=END
if [ "$how" = END ]; then kill -QUIT $!; wait $!; rm -rf "$2"; else kill "-$how" $!; wait $!; fi
"#;
/// Where clients look if nobody says otherwise.
const PORT: u16 = 5432;
/// Between two looks at whether it is up.
const PAUSE: Duration = Duration::from_millis(20);

/// A server. Dropping it stops it and deletes its data.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    watch: Mutex<Option<Child>>,
}

impl Cluster {
    /// The server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// A server with further lines in its configuration.
    pub fn start(settings: &str) -> Self {
        Self::start_on(PORT, settings)
    }

    /// The same, called by this port: in the name of its socket, and on TCP where the settings let it listen.
    pub fn start_on(port: u16, settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("cardea-pg-").tempdir().expect("a temporary folder").keep();
        let cluster = Self { programs: programs(), folder, port, watch: Mutex::new(None) };
        give_away(&cluster.folder);
        let data = cluster.folder.join("data");
        let mut initdb = cluster.command(&cluster.programs.join("initdb"));
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--username=cardea", "--auth=trust", "-D"]);
        run(initdb.arg(&data));
        let mut lines = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nport = {port}\nmax_connections = 200\nshared_buffers = 16MB\n",
            cluster.folder.display()
        );
        let _ = writeln!(lines, "{settings}");
        let mut append = cluster.command(Path::new("sh"));
        append.args(["-c", "printf '%s' \"$1\" >>\"$2\"", "sh", &lines]).arg(data.join("postgresql.conf"));
        run(&mut append);
        cluster.up();
        cluster
    }

    /// Starts the server, and waits until it answers.
    pub fn up(&self) {
        let mut watch = self.command(Path::new("sh"));
        watch.args(["-c", WATCH, "sh"]).arg(&self.programs).arg(&self.folder);
        let child = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        *self.watch() = Some(child.expect("a shell"));
        let answers = || {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            ask.arg("-q").arg("-h").arg(&self.folder).args(["-p", &self.port.to_string()]);
            ask.status().is_ok_and(|status| status.success())
        };
        for _ in 0..3_000 {
            if answers() {
                return;
            }
            std::thread::park_timeout(PAUSE);
        }
        panic!("PostgreSQL does not start: {}", self.log());
    }

    /// Stops the server: `INT` ends all connections in order, `QUIT` is as if it had crashed.
    pub fn down(&self, signal: &str) {
        let mut child = self.watch().take().expect("it runs");
        let mut pipe = child.stdin.take().expect("piped");
        writeln!(pipe, "{signal}").expect("the shell listens");
        child.wait().expect("a child");
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty database of its own, by its url.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        self.url(&name)
    }

    /// The url of the database called `name`.
    pub fn url(&self, name: &str) -> String {
        format!("postgresql:///{name}?host={}&port={}&user=cardea", self.folder.display(), self.port)
    }

    /// Runs SQL with the program that people use, and returns what it prints: values, one row a line.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let name = database.strip_prefix("postgresql:///").map_or(database, |url| url.split('?').next().unwrap_or(url));
        let output = self.client("psql").args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", name, "-c", sql]).output();
        let output = output.expect("psql runs");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// One of PostgreSQL's own programs, told how to reach this server.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env("PGHOST", &self.folder).env("PGPORT", self.port.to_string()).env("PGUSER", "cardea");
        command
    }

    /// The server's folder, with its data, its socket and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A command under the server's own user: PostgreSQL refuses to run as root.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        #[cfg(unix)]
        if let Some((user, group)) = other_user() {
            std::os::unix::process::CommandExt::uid(&mut command, user);
            std::os::unix::process::CommandExt::gid(&mut command, group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut child) = self.watch().take() {
            drop(child.stdin.take());
            let _ = child.wait();
        } else {
            let _ = self.command(Path::new("rm")).arg("-rf").arg(&self.folder).status();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The newest of Debian's folders for PostgreSQL, or that of the programs on the search path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let newest =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path()))).max();
    newest.map(|(_, path)| path.join("bin")).unwrap_or_else(|| {
        let output = Command::new("pg_config").arg("--bindir").output();
        let output = output.expect("PostgreSQL is installed; on Debian: apt-get install postgresql");
        PathBuf::from(String::from_utf8(output.stdout).expect("text").trim())
    })
}

/// User and group to become, when this is root.
#[cfg(unix)]
fn other_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok()
    };
    (id(&["-u"])? == 0).then_some((id(&["-u", "nobody"])?, id(&["-g", "nobody"])?))
}

fn give_away(folder: &Path) {
    #[cfg(unix)]
    if let Some((user, group)) = other_user() {
        std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("root may give files away");
    }
}
