//! What is said, as the command line that does the same. No PIN and no invitation is ever in one: `-` and `--pin-fd 0` read them
//! from standard input.

use super::{Command, Invitation, On};

/// The device that commands are about where none is named.
const MAIN: &str = "main";
/// Reads the PIN from standard input, as nobody's eyes see it.
const PIN: &str = "--pin-fd 0";

impl Command {
    /// The command line; nothing for what only concerns what is shown. `program` is what it begins with.
    #[must_use]
    pub fn command_line(&self, program: &str) -> Option<String> {
        let rest = self.rest()?;
        let rest: Vec<String> = rest.into_iter().filter(|word| !word.is_empty()).collect();
        let device = match self {
            Self::NewDevice { .. }
            | Self::RemoveDevice { .. }
            | Self::Clone { .. }
            | Self::Rename { .. }
            | Self::Reset { .. } => None,
            _ => self.device().filter(|device| *device != MAIN),
        };
        let device = device.map(|device| format!(" --device {}", quoted(device))).unwrap_or_default();
        Some(format!("{program}{device} {}", rest.join(" ")))
    }

    /// What follows the program and the device; words that are empty are left out.
    fn rest(&self) -> Option<Vec<String>> {
        let with_pin = |pin: bool| if pin { PIN.to_owned() } else { String::new() };
        let line = match self {
            Self::Refresh | Self::Look(_) => return None,
            Self::Open { on, seconds, pin } => {
                let time = seconds.map(|seconds| format!("--for {seconds}")).unwrap_or_default();
                vec!["open".into(), token(on), time, with_pin(pin.is_some())]
            }
            Self::Close(on) => vec!["close".into(), token(on)],
            Self::Status(on) => vec!["status".into(), token(on)],
            Self::Enroll { invitation, label, .. } => {
                let label = if label.is_empty() { String::new() } else { format!("--label {}", quoted(label)) };
                let (what, pins) = match invitation {
                    Invitation::Text(_) => ("-".to_owned(), "--pin-file FILE"),
                    Invitation::Code(_, host) => (format!("- --host {}", quoted(host)), "--pin-file FILE"),
                    Invitation::Picture(_, name) => (format!("--qr {}", quoted(name)), PIN),
                };
                vec!["enroll".into(), what, label, pins.into()]
            }
            Self::Confirmations(on) => vec!["confirmations".into(), token(on)],
            Self::Approve { on, id, pin } => {
                vec!["approve".into(), token(on), format!("--id {id}"), with_pin(pin.is_some())]
            }
            Self::Deny { on, id, reason } => {
                let why = if *reason == "unsaid" { String::new() } else { format!("--reason {reason}") };
                vec!["deny".into(), token(on), format!("--id {id}"), why]
            }
            Self::Answer { prompt, does, pin, .. } => {
                vec![format!("prompt answer {does} --id {prompt}"), with_pin(pin.is_some())]
            }
            Self::NewDevice { name } => vec![format!("device new {}", quoted(name))],
            Self::RemoveDevice { name } => vec![format!("device rm {}", quoted(name))],
            Self::Clone { device, new } => vec!["device clone".into(), quoted(device), quoted(new)],
            Self::Rename { device, new } => vec!["device rename".into(), quoted(device), quoted(new)],
            Self::Reset { device } => vec!["device reset".into(), quoted(device)],
            Self::Watch { watch, .. } => vec![if *watch { "device listen" } else { "device rest" }.into()],
            Self::Label { on, label } => vec!["label".into(), quoted(label), token(on)],
            Self::Unenroll { on, pin } => vec!["unenroll".into(), token(on), with_pin(pin.is_some())],
            Self::Forget(on) => vec!["unenroll --local".into(), token(on)],
            Self::About(on) => vec!["info".into(), token(on)],
            Self::Siblings(on) => vec!["devices".into(), token(on)],
            Self::History(on) => vec!["history".into(), token(on)],
            Self::Revoke { on, other, pin } => {
                vec!["revoke-device".into(), quoted(other), token(on), with_pin(pin.is_some())]
            }
            Self::ChangePins { on, .. } => vec!["change-pin".into(), token(on), PIN.into()],
            _ => return self.condition(),
        };
        Some(line)
    }

    /// Of what is around a token.
    fn condition(&self) -> Option<Vec<String>> {
        let line = match self {
            Self::SnapSave(name) => format!("snap save {}", quoted(name)),
            Self::SnapLoad(name) => format!("snap load {}", quoted(name)),
            Self::SnapRemove(name) => format!("snap rm {}", quoted(name)),
            Self::Network { profile, .. } => format!("net set {}", quoted(profile)),
            Self::Habit { does, .. } => format!("prompt policy {does}"),
            Self::Next { does, .. } => format!("prompt next {does}"),
            Self::Persona { .. } => format!("prompt pins {PIN}"),
            Self::Freeze(frozen) => if *frozen { "clock freeze" } else { "clock resume" }.into(),
            Self::Advance(seconds) => format!("clock advance {seconds}s"),
            Self::Skew { seconds, .. } => format!("clock skew {seconds}"),
            Self::Arm { fault, times, device } => {
                let times = times.map(|times| format!(" --times {times}")).unwrap_or_default();
                let on = device.as_ref().map(|device| format!(" --on device={}", quoted(device))).unwrap_or_default();
                format!("fault add {fault}{times}{on}")
            }
            Self::Disarm { id } => format!("fault rm {}", quoted(id)),
            Self::ClearFaults => "fault clear".into(),
            Self::Trace(on) => if *on { "trace start" } else { "trace stop" }.into(),
            Self::Export(path) => format!("trace export {}", quoted(&path.display().to_string())),
            Self::Record(path) => format!("scenario record {}", quoted(&path.display().to_string())),
            Self::Check { whom, user } => format!(
                "rp check {} --server {} --service {} --authkey-file {}",
                quoted(user),
                quoted(&whom.server),
                quoted(&whom.service),
                quoted(&whom.authkey_file.display().to_string()),
            ),
            _ => return None,
        };
        Some(vec![line])
    }
}

/// The token, where one is named: the beginning of its id will do.
fn token(on: &On) -> String {
    on.token.as_ref().map(|token| token.chars().take(12).collect()).unwrap_or_default()
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._/:=+-".contains(it);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    const PROGRAM: &str = "cardea-emulator";

    fn on(device: &str) -> On {
        On { device: device.into(), token: None }
    }

    #[test]
    fn the_device_that_everybody_has_is_not_named() {
        let line = |device: &str| Command::Close(on(device)).command_line(PROGRAM).unwrap();
        assert_eq!(line("main"), "cardea-emulator close");
        assert_eq!(line("phone"), "cardea-emulator --device phone close");
    }

    #[test]
    fn no_secret_is_in_a_command_line() {
        let pin = || Secret::new("274951");
        let enroll = Command::Enroll {
            device: "phone".into(),
            invitation: Invitation::Code(Secret::new("0274951-0"), "id.example".into()),
            pin: pin(),
            duress: vec![pin()],
            label: "my door".into(),
        };
        let all = [
            enroll,
            Command::Open { on: on("phone"), seconds: Some(60), pin: Some(pin()) },
            Command::ChangePins { on: on("phone"), pin: pin(), new: pin(), duress: vec![] },
            Command::Persona { device: "phone".into(), pin: pin(), duress: vec![pin()] },
            Command::Answer { device: "phone".into(), prompt: 3, does: "approve", pin: Some(pin()) },
        ];
        let lines: Vec<String> = all.iter().map(|command| command.command_line(PROGRAM).unwrap()).collect();
        assert!(lines.iter().all(|line| !line.contains("274951")), "{lines:?}");
        assert!(all.iter().all(|command| !format!("{command:?}").contains("274951")));
        assert_eq!(
            lines[0],
            "cardea-emulator --device phone enroll - --host id.example --label 'my door' --pin-file FILE"
        );
        assert_eq!(lines[1], "cardea-emulator --device phone open --for 60 --pin-fd 0");
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(["a b", "it's", "plain-1.x", ""].map(quoted), ["'a b'", r"'it'\''s'", "plain-1.x", "''"]);
    }

    #[test]
    fn every_command_line_is_one_that_the_program_takes() {
        let device = || "phone".to_owned();
        let all = [
            Command::Open { on: on("phone"), seconds: None, pin: None },
            Command::Status(On { device: device(), token: Some("0123456789abcdef".into()) }),
            Command::Deny { on: on("phone"), id: "ab".into(), reason: "not-me" },
            Command::Answer { device: device(), prompt: 3, does: "cancel", pin: None },
            Command::NewDevice { name: device() },
            Command::RemoveDevice { name: device() },
            Command::Clone { device: device(), new: "evil".into() },
            Command::Rename { device: device(), new: "old-phone".into() },
            Command::Reset { device: device() },
            Command::SnapSave("baseline".into()),
            Command::SnapLoad("baseline".into()),
            Command::SnapRemove("baseline".into()),
            Command::Watch { device: device(), watch: true },
            Command::Watch { device: device(), watch: false },
            Command::Label { on: on("phone"), label: "front door".into() },
            Command::Unenroll { on: on("phone"), pin: None },
            Command::Forget(on("phone")),
            Command::About(on("phone")),
            Command::Siblings(on("phone")),
            Command::History(on("phone")),
            Command::Revoke { on: on("phone"), other: "0a0b0c0d".into(), pin: None },
            Command::Network { device: device(), profile: "2g".into() },
            Command::Habit { device: device(), does: "wait".into() },
            Command::Next { device: device(), does: "wrong-pin".into() },
            Command::Freeze(true),
            Command::Freeze(false),
            Command::Advance(60),
            Command::Skew { device: device(), seconds: -60 },
            Command::Arm { fault: "bit-flip".into(), times: Some(1), device: Some(device()) },
            Command::Disarm { id: "r1".into() },
            Command::ClearFaults,
            Command::Trace(true),
            Command::Export("said.jsonl".into()),
            Command::Record("byhand.yaml".into()),
            Command::Check {
                whom: crate::relying::Whom {
                    server: "https://id.example".into(),
                    service: "default_demo".into(),
                    authkey_file: "status.key".into(),
                },
                user: "joe".into(),
            },
        ];
        for command in all {
            let line = command.command_line(PROGRAM).unwrap();
            let words: Vec<&str> = line.split(' ').map(|word| word.trim_matches('\'')).collect();
            let label = matches!(command, Command::Label { .. });
            let words = if label { vec![PROGRAM, "label", "front door"] } else { words };
            assert!(crate::cli::takes(&words), "{line}");
        }
    }
}
