//! Accounts and applications on the command line.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A data folder, and how a command ends on it: whether it succeeded, and all that it says.
struct Data(tempfile::TempDir);

impl Data {
    fn new() -> Self {
        let data = Self(tempfile::tempdir().expect("a folder"));
        data.done("init");
        data.done("subscription create demo");
        data
    }

    fn run(&self, line: &str, input: &str) -> (bool, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cardea-server"))
            .args(line.split(' '))
            .arg("--data-dir")
            .arg(self.0.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        // A command that reads nothing may have ended.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    fn done(&self, line: &str) -> String {
        let (done, out, error) = self.run(line, "");
        assert!(done, "{line}: {out}{error}");
        out
    }

    fn refused(&self, line: &str, input: &str) -> String {
        let (done, out, error) = self.run(line, input);
        assert!(!done && out.is_empty(), "{line}: {out}{error}");
        error
    }

    fn read(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(line)).expect("JSON")
    }
}

#[test]
fn accounts_are_made_changed_and_removed() {
    let data = Data::new();
    let file = data.0.path().join("password");
    fs::write(&file, "a lamp, seven geese & rain\n").expect("written");
    let create = format!(
        "account create --subscription demo Max.Power --email max.power@company.example --password-file {} --kind guest \
         --groups 1,7=false --permissions billing=false,status --contact 77",
        file.display()
    );
    let number = data.done(&create).trim().strip_prefix("created ").expect("a number").to_owned();
    let shown = data.read("account show --subscription demo max.power");
    for (member, value) in [
        ("name", json!("Max.Power")),
        ("email", json!("max.power@company.example")),
        ("kind", json!("guest")),
        ("state", json!("active")),
        ("admin", json!(false)),
        ("groups", json!({ "1": true, "7": false })),
        ("permissions", json!({ "billing": false, "status": true })),
        ("contact", json!(77)),
        ("hasPassword", json!(true)),
        ("wrongPasswords", json!(0)),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    assert!(!shown.to_string().contains("geese"));
    assert_eq!(data.read("account list --subscription demo --json")[0], shown);
    assert!(
        data.done("account list --subscription demo").contains("Max.Power  max.power@company.example  guest  active")
    );

    let update = format!("account update --subscription demo {number} --name max --email= --state suspended --admin");
    assert_eq!(data.done(&update), "updated max\n");
    let shown = data.read("account show --subscription demo MAX");
    assert_eq!((&shown["email"], &shown["state"], &shown["admin"]), (&Value::Null, &json!("suspended"), &json!(true)));
    assert_eq!(shown["contact"], 77, "what is not named stays");
    data.done("account sign-out --subscription demo max");
    assert_eq!(data.done("account delete --subscription demo max"), "deleted max\n");
    assert_eq!(data.done("account list --subscription demo").lines().count(), 1);
}

#[test]
fn passwords_come_from_files_and_standard_input_and_not_every_text_is_one() {
    let data = Data::new();
    data.done("account create --subscription demo max");
    let set = "account password --subscription demo max --password-file -";
    let (done, out, error) = data.run(set, "eleven quiet umbrellas, then\n");
    assert!(done && out == "max has another password, and is signed out everywhere\n", "{out}{error}");
    for (password, said) in [
        ("short\n", "a password has at least 15 characters here"),
        ("passwordpasswordpassword\n", "among the first that are tried"),
        ("two\nlines of text\n", "one line"),
        ("", "at least 15 characters"),
    ] {
        let error = data.refused(set, password);
        assert!(error.contains(said) && (password.len() < 5 || !error.contains(password.trim())), "{error}");
    }
    let error = data.refused("account password --subscription demo max --password eleven", "");
    assert!(error.contains("unexpected argument"), "{error}");
}

#[test]
fn a_policy_asks_for_longer_passwords_and_keeps_words_out() {
    let data = Data::new();
    let policy = data.read("policy show --subscription demo");
    assert_eq!(policy, json!({ "passwordLeast": 15, "blockedWords": [] }));
    let update = "policy update --subscription demo --password-least 20 --blocked-words acme,umbrella";
    assert_eq!(data.read(update), json!({ "passwordLeast": 20, "blockedWords": ["acme", "umbrella"] }));
    data.done("account create --subscription demo max");
    let set = "account password --subscription demo max --password-file -";
    assert!(data.refused(set, "eighteen letters!!\n").contains("at least 20 characters"));
    assert!(data.refused(set, "eleven quiet UMBRELLAS, acme\n").contains("beside the words that are kept out"));
    let (done, out, error) = data.run(set, "eleven quiet gardens, then\n");
    assert!(done, "{out}{error}");
    let again = data.read("policy update --subscription demo --blocked-words ,");
    assert_eq!(again, json!({ "passwordLeast": 20, "blockedWords": [] }));
    for (line, said) in [
        ("policy update --subscription demo --password-least 14", "15 to 64 characters"),
        ("policy update --subscription demo --password-least 65", "15 to 64 characters"),
        ("policy show --subscription other", "there is no such subscription"),
    ] {
        let error = data.refused(line, "");
        assert!(error.contains(said), "{line}: {error}");
    }
}

#[test]
fn what_is_not_there_and_cannot_be_is_said_with_what_can() {
    let data = Data::new();
    for (line, said) in [
        (
            "account show --subscription demo max",
            "there is no such account in this subscription: see `cardea-server account list`",
        ),
        ("account list --subscription other", "there is no such subscription: see `cardea-server subscription list`"),
        ("account create --subscription demo a@b", "a name is one to 64"),
        ("account create --subscription demo max --email max", "an e-mail address has one `@`"),
        ("account create --subscription demo max --groups x", "a group is a number"),
        ("account create --subscription demo max --permissions A", "a permission is one to 64"),
        ("account create --subscription demo max --kind boss", "employee, guest"),
        ("application secret --subscription demo 7", "there is no such application in this subscription"),
        ("application list --subscription other", "there is no such subscription"),
        ("subscription create auth", "no reserved word"),
    ] {
        let error = data.refused(line, "");
        assert!(error.contains(said), "{line}: {error}");
    }
    data.done("account create --subscription demo max");
    assert!(data.refused("account create --subscription demo MAX", "").contains("another account has this name"));
    assert!(data.refused("subscription delete demo", "").contains("has accounts: delete them first"));
}

#[test]
fn appsecrets_are_shown_once_and_renewed() {
    let data = Data::new();
    let created = data.read("application create --subscription demo Shop --json");
    let (number, secret) = (&created["id"], created["appsecret"].as_str().expect("a text").to_owned());
    assert!(secret.len() == 40 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    let second = data.done(&format!("application secret --subscription demo {number}"));
    assert!(second.trim().len() == 40 && second.trim() != secret);
    let update = format!("application update --subscription demo {number} --active false --name Store");
    assert_eq!(data.done(&update), "updated Store\n");
    let listed =
        data.done("application list --subscription demo --json") + &data.done("application list --subscription demo");
    assert!(listed.contains("deactivated") && listed.contains("\"active\":false"), "{listed}");
    assert!(!listed.contains(&secret) && !listed.contains(second.trim()));
    assert!(data.refused("subscription delete demo", "").contains("has applications: delete them first"));
    data.done(&format!("application delete --subscription demo {number}"));
    data.done("subscription delete demo");
}
