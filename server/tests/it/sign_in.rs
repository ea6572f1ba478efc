//! Signing in from outside: the documents of ZeyOS and Zenoti as they are printed, a server that is killed, and what it
//! leaves in logs and files.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Running;

const PASSWORD: &str = "MySecretPwd-of-Max-Power";

/// A server with an account, an application and data that stay.
struct Place {
    folder: tempfile::TempDir,
    server: Option<Running>,
    key: String,
    application: Value,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut place = Self { folder, server: None, key: String::new(), application: Value::Null };
        place.start();
        let body =
            json!({ "subscription": "default", "name": "max.power", "password": PASSWORD, "authKey": place.key });
        place.post("/auth/account/create", &body);
        let body = json!({ "subscription": "default", "name": "Web shop", "authKey": place.key });
        place.application = place.post("/auth/application/create", &body);
        place
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Starts the server anew, after killing it where it runs.
    fn start(&mut self) {
        self.server = None;
        let server = Running::start(&["dev", "--data-dir", &self.data(), "--log", "trace"]);
        self.key = server.ready["dev"]["adminKey"].as_str().expect("a key").to_owned();
        self.server = Some(server);
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.as_ref().expect("it runs").address())
    }

    /// What a command of a document prints, with the base address of this server.
    fn shell(&self, command: &str) -> String {
        let command = command.replace("https://cloud.zeyos.com/demo", &format!("{}/default", self.url()));
        let command = command.replace("https://api.zenoti.com", &self.url()).replacen("curl", "curl --silent", 1);
        let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same, as head and JSON.
    fn answer(&self, command: &str) -> (String, Value) {
        let told = self.shell(command);
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{command}: {told}"));
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap_or(body.into()) };
        (head.to_lowercase(), body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = self.url();
        let told = self.shell(&format!("curl -i -H 'Content-Type: application/json' --data '{body}' {url}{path}"));
        let body = told.split("\r\n\r\n").nth(1).expect("a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path} {error}: {told}"))
    }

    fn tokens(&self) -> [String; 2] {
        let call = json!({
            "account_name": "default", "user_name": "max.power", "password": PASSWORD, "grant_type": "password",
            "app_id": self.application["clientId"], "app_secret": self.application["appsecret"], "device_id": "one",
        });
        pair(&self.post("/v1/tokens", &call))
    }

    fn is_good(&self, token: &str) -> bool {
        let told = self.shell(&format!(
            "curl -o /dev/null -w '%{{http_code}}' -H 'Authorization: Bearer {token}' https://cloud.zeyos.com/demo/auth/v1/"
        ));
        match told.as_str() {
            "200" => true,
            "401" => false,
            other => panic!("{other}"),
        }
    }
}

fn pair(answer: &Value) -> [String; 2] {
    ["access_token", "refresh_token"]
        .map(|name| answer["credentials"][name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

#[test]
fn the_calls_of_the_zeyos_document_run_as_printed() {
    let place = Place::new();
    let login = format!("name=max.power&password={PASSWORD}&identifier=MyDevice");
    let (head, body) = place.answer(&format!("curl -i --data '{login}' https://cloud.zeyos.com/demo/auth/v1/login"));
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    for line in [
        "content-type: application/json",
        "cache-control: no-cache",
        "expires: fri, 29 aug 1997 07:14:00 gmt",
        "access-control-allow-origin: *",
    ] {
        assert!(head.contains(&format!("\n{line}")), "{line}: {head}");
    }
    let members: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members.len(), 5, "{body}");
    assert_eq!(
        (&body["application"], &body["identifier"], &body["expdate"]),
        (&Value::Null, &json!("MyDevice"), &Value::Null)
    );
    let token = body["token"].as_str().expect("a token").to_owned();

    let secret = place.application["appsecret"].as_str().expect("an appsecret");
    let with_secret = format!("{login}&appsecret={secret}");
    let command = format!("curl -i --data '{with_secret}' https://cloud.zeyos.com/demo/auth/v1/login");
    let of_application = place.answer(&command).1;
    assert_eq!(of_application["application"], place.application["application"]);
    assert_ne!(of_application["token"], token.as_str(), "one for each application");

    let check = format!("curl -i -X GET -H 'Authorization: Bearer {token}' https://cloud.zeyos.com/demo/auth/v1/");
    let (head, info) = place.answer(&check);
    assert!(head.starts_with("http/1.1 200 ") && info["name"] == "max.power" && info["user"] == body["user"], "{info}");
    let command = check
        .replace("/auth/v1/", "'/auth/v1/?access=1&settings=1'")
        .replace("https", "'https")
        .replace("demo'/", "demo/");
    let info = place.answer(&command).1;
    for (member, is) in
        [("admin", json!(false)), ("nopublic", json!(false)), ("groups", json!({})), ("settings", json!({}))]
    {
        assert_eq!(info[member], is, "{info}");
    }
    let verify = format!("curl -i --head -H 'Authorization: Bearer {token}' https://cloud.zeyos.com/demo/auth/v1/");
    assert!(place.answer(&verify).0.starts_with("http/1.1 204 "));
    let logout = check.replace("/auth/v1/", "/auth/v1/logout");
    assert!(place.answer(&logout).0.starts_with("http/1.1 205 "));
    let (head, text) = place.answer(&check);
    assert!(
        head.starts_with("http/1.1 401 ") && head.contains("\nwww-authenticate: bearer realm=\"default\""),
        "{head}"
    );
    assert_eq!(text, "Unauthorized: Invalid token for bearer authentication");
    let (head, text) = place.answer(
        &format!("curl -i --data '{login}x' https://cloud.zeyos.com/demo/auth/v1/login").replace(PASSWORD, "wrong"),
    );
    assert!(head.starts_with("http/1.1 401 ") && text == "Unauthorized: Invalid credentials", "{head}");
}

#[test]
fn the_steps_of_the_zenoti_document_run_as_printed() {
    let place = Place::new();
    let [access, refresh] = place.tokens();
    // An API key for everything, a token for what its account may do.
    let call = "/auth/account/list?subscription=default";
    for (authorization, status) in
        [(format!("apikey {}", place.key), "200"), (format!("bearer {access}"), "403"), ("bearer x".to_owned(), "403")]
    {
        let command = format!(
            "curl -o /dev/null -w '%{{http_code}}' -H 'Authorization: {authorization}' 'https://api.zenoti.com{call}'"
        );
        assert_eq!(place.shell(&command), status, "{authorization}");
    }
    let again = json!({ "grant_type": "refresh_token", "refresh_token": refresh });
    let [newer, _] = pair(&place.post("/v1/tokens", &again));
    assert!(!place.is_good(&access) && place.is_good(&newer));
    let revoke = "https://api.zenoti.com/v1/tokens/sessions/revoke";
    let (head, body) = place.answer(&format!("curl -i -X DELETE -H 'Authorization: bearer {newer}' {revoke}"));
    assert!(head.starts_with("http/1.1 200 ") && body == json!({ "error": null }), "{head} {body}");
    assert!(!place.is_good(&newer));
}

#[test]
fn a_server_that_is_killed_while_it_refreshes_has_done_so_or_has_not() {
    let mut place = Place::new();
    let mut seen = [0; 2];
    for round in 0..8_u64 {
        let [access, refresh] = place.tokens();
        let again = json!({ "grant_type": "refresh_token", "refresh_token": refresh });
        let url = format!("{}/v1/tokens", place.url());
        let mut asking = Command::new("curl")
            .args([
                "--silent",
                "--max-time",
                "20",
                "-H",
                "Content-Type: application/json",
                "--data",
                &again.to_string(),
                &url,
            ])
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("curl");
        std::thread::park_timeout(Duration::from_millis(4 * round));
        place.start();
        let _ = asking.wait();
        // Either nothing has happened, or all of it: never two that are good, and never a token that is good twice.
        let is_undone = place.is_good(&access);
        let answer = place.post("/v1/tokens", &again);
        assert_eq!(answer["credentials"].is_object(), is_undone, "{answer}");
        assert!(!place.is_good(&access));
        seen[usize::from(is_undone)] += 1;
    }
    assert_eq!(seen[0] + seen[1], 8);
}

#[test]
fn logs_and_files_hold_no_secret_and_no_name() {
    let mut place = Place::new();
    let [access, refresh] = place.tokens();
    let login = format!("name=max.power&password={PASSWORD}&identifier=MyDevice");
    let session = place.answer(&format!("curl -i --data '{login}' https://cloud.zeyos.com/demo/auth/v1/login")).1;
    place.answer("curl -i --data 'name=max.power&password=not-the-one-it-is&identifier=d' https://cloud.zeyos.com/demo/auth/v1/login");
    let basic = format!("curl -i --user 'max.power:{PASSWORD}' https://cloud.zeyos.com/demo/auth/v1/");
    assert!(place.answer(&basic).0.starts_with("http/1.1 200 "));
    let log = place.server.take().expect("it runs").stop().1;
    let secret = place.application["appsecret"].as_str().expect("an appsecret");
    let session = session["token"].as_str().expect("a token");
    let secrets = [PASSWORD, "not-the-one-it-is", &access, &refresh, secret, session];
    for secret in secrets {
        assert!(!log.contains(secret), "a secret is in the log");
    }
    let mut files = 0;
    for file in std::fs::read_dir(place.data()).expect("the folder") {
        let path = file.expect("a file").path();
        // Two keys are there to be read by whoever tries things out.
        if !path.is_file() || path.extension().is_some_and(|kind| kind == "txt") {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(&path).expect("readable");
        for text in secrets.iter().chain(&["max.power", "Web shop", "MyDevice"]) {
            assert!(!bytes.windows(text.len()).any(|part| part == text.as_bytes()), "{} holds {text}", path.display());
        }
    }
    assert!(files > 0);
}
