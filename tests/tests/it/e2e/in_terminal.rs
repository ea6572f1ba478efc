//! The emulator in a real terminal, as a person types into it.

use std::cell::RefCell;
use std::process::Command;

use cardea_tests::harness::{Output, Site, emulator, output, until};
use tempfile::TempDir;

const PIN: &str = Site::PIN;
const DURESS: &str = "83640275";

/// A terminal with a shell in it. Ended when this is dropped.
struct Terminal {
    folder: TempDir,
}

impl Terminal {
    fn open() -> Self {
        let it = Self { folder: tempfile::tempdir().expect("a folder") };
        it.tmux(&["new-session", "-d", "-x", "120", "-y", "40", "env", "PS1=ready: ", "ENV=", "sh"]);
        it.sees(&["ready:"]);
        it
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.arg("-u").arg("-f").arg("/dev/null").arg("-S").arg(self.folder.path().join("tmux"));
        tmux.env("LC_ALL", "C.UTF-8").env("XDG_STATE_HOME", self.folder.path()).env_remove("CARDEA_EMULATOR_STATE");
        let ran = output(tmux.args(arguments));
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
        ran.out
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    fn presses(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn pastes(&self, text: &str) {
        self.tmux(&["set-buffer", "--", text]);
        self.tmux(&["paste-buffer", "-p"]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until all of this is on the screen.
    fn sees(&self, all: &[&str]) -> String {
        let seen = Seen::default();
        until(&format!("{all:?}"), || {
            seen.0.replace(self.screen());
            all.iter().all(|it| seen.0.borrow().contains(it)).then(|| seen.0.take())
        })
    }

    /// How the terminal is set, as `stty` says it, after what was typed so far.
    fn settings(&self, name: &str) -> String {
        let file = self.folder.path().join(name);
        self.types(&format!("stty -g > {name}.new && mv {name}.new {name}\n", name = file.display()));
        until("what stty says", || std::fs::read_to_string(&file).ok())
    }

    /// Starts the emulator, which says later how it has ended. The file `pid` has its number.
    fn starts(&self, before: &str) {
        let (program, pid) = (emulator().display(), self.folder.path().join("pid"));
        let pid = pid.display();
        self.types(&format!(
            "{before} sh -c 'echo $$ > {pid}; exec {program} --instance test --allow-test-argon2 terminal'; echo ended-$?\n"
        ));
    }

    fn pid(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("pid")).expect("it was written").trim().to_owned()
    }

    /// Whether anything on the screen has a color.
    fn is_colored(&self) -> bool {
        let styled = self.tmux(&["capture-pane", "-p", "-e"]);
        let styles = styled.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m'));
        let mut numbers = styles.flat_map(|(style, _)| style.split(';')).filter_map(|it| it.parse::<u8>().ok());
        numbers.any(|it| matches!(it, 30..=38 | 40..=48 | 90..=107))
    }

    /// A command in another terminal, about the same emulator.
    fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(emulator());
        command.env("XDG_STATE_HOME", self.folder.path()).env_remove("CARDEA_EMULATOR_STATE");
        output(command.args(["--instance", "test", "--allow-test-argon2"]).args(arguments))
    }

    /// One that succeeds.
    fn done(&self, arguments: &[&str]) -> String {
        let ran = self.command(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
        ran.out
    }

    /// Nothing of the emulator is left in it.
    fn is_given_back(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{alternate_on}#{cursor_flag}#{mouse_any_flag}"]).trim() == "010"
    }
}

/// What is on a screen, told when something was waited for in vain.
#[derive(Default)]
struct Seen(RefCell<String>);

impl Drop for Seen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on the screen:\n{}", self.0.borrow());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        let _ = output(tmux.arg("-S").arg(self.folder.path().join("tmux")).arg("kill-server"));
        // Where one runs beside it.
        let _ = self.command(&["down"]);
    }
}

#[test]
fn a_person_enrolls_opens_with_any_pin_and_leaves_the_terminal_as_it_was() {
    let (site, it) = (Site::dev(), Terminal::open());
    let before = it.settings("before");
    it.starts("");
    it.sees(&["main — NOT ENROLLED — runs here"]);

    it.pastes(&site.offer("joe").link);
    it.sees(&["Enroll main", "e#…"]);
    for text in ["", "", "door", PIN, PIN, DURESS, DURESS] {
        it.types(text);
        it.presses("Tab");
    }
    assert!(![PIN, DURESS].iter().any(|pin| it.screen().contains(pin)));
    it.presses("Enter");
    it.sees(&["main — CLOSED", "door on", "enroll - --label door --pin-file FILE"]);
    assert_eq!(site.status("joe"), 2);

    let open = |pin: &str| {
        it.types("o");
        it.sees(&["Open door"]);
        it.types(pin);
        it.presses("Enter");
        it.sees(&["main — OPEN", "Who asks is told yes", "The server said so", "open --pin-fd 0"])
    };
    let free = open(PIN);
    assert_eq!(site.status("joe"), 1);
    it.types("c");
    it.sees(&["main — CLOSED"]);
    assert_eq!(site.status("joe"), 2);
    let forced = open(DURESS);
    assert_eq!(site.status("joe"), 3);
    for screen in [&free, &forced] {
        let seen = screen.to_lowercase();
        assert!(![PIN, DURESS, "duress"].iter().any(|it| seen.contains(it)), "{screen}");
    }

    it.types("q");
    it.sees(&["ended-0"]);
    assert!(it.is_given_back());
    assert_eq!(it.settings("after"), before);
}

#[test]
fn what_others_do_is_seen_and_size_and_color_are_the_terminals() {
    let (site, it) = (Site::dev(), Terminal::open());
    it.done(&["up"]);
    it.starts("NO_COLOR=1");
    it.sees(&["main — NOT ENROLLED — at "]);
    it.done(&["enroll", &site.offer("joe").link]);
    it.done(&["open"]);
    it.sees(&["main — OPEN", "The token is open"]);
    assert!(!it.is_colored());

    let once = it.done(&["terminal", "--once", "--width", "120", "--height", "40"]);
    for text in ["main — OPEN", "The token is open", "Who asks is told yes"] {
        assert!(once.contains(text), "{text}: {once}");
    }
    assert_eq!(once.lines().count(), 40);
    assert!(!once.contains('\u{1b}'));

    it.tmux(&["resize-window", "-x", "50", "-y", "12"]);
    it.sees(&["Too small: 50 x 12"]);
    it.tmux(&["resize-window", "-x", "90", "-y", "24"]);
    it.sees(&["main — OPEN", "The token is open"]);
    // The emulator that ran before goes on.
    it.presses("C-c");
    it.sees(&["ended-130"]);
    assert!(it.is_given_back());
    it.done(&["close"]);
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn a_signal_to_terminate_gives_the_terminal_back() {
    let it = Terminal::open();
    let before = it.settings("before");
    it.starts("");
    it.sees(&["main — NOT ENROLLED"]);
    assert!(it.is_colored());
    it.types("e");
    it.sees(&["Enroll main"]);
    assert_eq!(output(Command::new("kill").args(["-TERM", &it.pid()])).code, Some(0));
    it.sees(&["ended-143"]);
    assert!(it.is_given_back());
    assert_eq!(it.settings("after"), before);
}

#[test]
fn without_a_terminal_it_says_what_to_do_instead() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(emulator());
    let ran = output(command.arg("--state").arg(folder.path()).arg("terminal"));
    assert_eq!(ran.code, Some(2));
    assert!(ran.out.is_empty() && ran.err.contains("terminal --once"), "{}", ran.err);
}

#[test]
fn a_signal_while_something_is_typed_unseen_leaves_a_terminal_that_shows_what_is_typed() {
    let it = Terminal::open();
    it.done(&["device", "new", "phone"]);
    let before = it.settings("before");
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (program, pid) = (emulator().display(), it.folder.path().join("pid"));
        let file = it.folder.path().join(signal);
        // The question before this one is no longer to be read.
        it.types("clear\n");
        until("an empty screen", || (!it.screen().contains("passphrase:")).then_some(()));
        it.types(&format!(
            "sh -c 'echo $$ > {pid}; exec {program} -i test device export phone {file}'; echo ended-$?\n",
            pid = pid.display(),
            file = file.display(),
        ));
        it.sees(&["passphrase:"]);
        if signal == "INT" {
            it.presses("C-c");
        } else {
            assert_eq!(output(Command::new("kill").args(["-s", signal, &it.pid()])).code, Some(0));
        }
        it.sees(&[&format!("ended-{code}")]);
        assert_eq!(it.settings(&format!("after-{signal}")), before, "{signal}");
        assert!(!file.exists(), "nothing is written");
    }
}
