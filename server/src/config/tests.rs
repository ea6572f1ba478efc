use std::io::Write;

use super::*;

fn file(text: &str) -> (tempfile::NamedTempFile, Sources) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("room for it");
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    (file, sources)
}

fn flag(key: &str, value: &str) -> (String, String, String) {
    (key.to_owned(), value.to_owned(), "--set".to_owned())
}

fn error(sources: &Sources) -> String {
    sources.load().expect_err("this configuration must be refused").to_string()
}

#[test]
fn the_defaults_alone_are_a_complete_configuration() {
    let config = Sources::default().load().expect("the defaults");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8420");
    assert_eq!(config.channel.listen.port(), 8421);
    assert_eq!(config.channel.reply_grid, Duration::from_millis(10));
    assert_eq!((config.public.url, config.public.channel_port), (None, 0));
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
    let (_file, mut sources) = file("[http]\nbody_limit = 1000\nmax_requests = 5\nmax_connections = 6\n");
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    sources.environment = vec![
        variable("CARDEA_HTTP_MAX_REQUESTS", "7"),
        variable("CARDEA_HTTP_MAX_CONNECTIONS", "8"),
        variable("CARDEA_PIN", "not ours"),
        variable("PATH", "/bin"),
    ];
    sources.flags = vec![flag("http.max_connections", "9")];
    let http = sources.load().expect("a valid configuration").http;
    assert_eq!((http.head_limit, http.body_limit, http.max_requests, http.max_connections), (16384, 1000, 7, 9));
}

#[test]
fn a_credential_is_the_master_key_unless_something_else_is_said() {
    use crate::vault::KeyLocation;
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().display().to_string();
    let mut sources = Sources::default();
    let place = |sources: &Sources| {
        let key = sources.load().expect("valid").keys.master_key(&PathBuf::from("/data"));
        (matches!(key, KeyLocation::Provided(_)), key.file().expect("a file"))
    };
    let own = (false, PathBuf::from("/data/vault.key"));
    assert_eq!(place(&sources), own);
    sources.environment = vec![("CREDENTIALS_DIRECTORY".to_owned(), directory)];
    assert_eq!(place(&sources), own, "it has no such credential");
    std::fs::write(folder.path().join("vault.key"), "x").expect("written");
    assert_eq!(place(&sources), (true, folder.path().join("vault.key")));
    let told = sources.explain().expect("valid");
    assert!(told.contains("master_key_file") && told.contains("CREDENTIALS_DIRECTORY"), "{told}");
    sources.environment.push(("CARDEA_KEYS_MASTER_KEY_FILE".to_owned(), "/run/key".to_owned()));
    assert_eq!(place(&sources), (true, PathBuf::from("/run/key")));
    sources.flags = vec![flag("keys.master_key_file", "")];
    assert_eq!(place(&sources), own);
}

#[test]
fn unknown_keys_of_every_source_are_refused_by_name() {
    for text in ["[http]\nlisten_on = \"x\"", "[htp]\nlisten = \"x\"", "[htp]", "listen = \"x\""] {
        let (_file, sources) = file(text);
        assert!(error(&sources).contains("does not exist"), "{text}");
    }
    let environment = vec![("CARDEA_HTTP_LISTENN".to_owned(), "x".to_owned())];
    let text = error(&Sources { environment, ..Sources::default() });
    assert!(text.contains("CARDEA_HTTP_LISTENN") && text.contains("http.listenn"), "{text}");
    for key in ["http.listenn", "http", "", "http.listen.port"] {
        assert!(error(&Sources { flags: vec![flag(key, "1")], ..Sources::default() }).contains("does not exist"));
    }
}

#[test]
fn values_that_cannot_be_used_are_refused_with_key_and_source() {
    for (key, value) in [
        ("http.listen", "localhost"),
        ("http.listen", "127.0.0.1:99999"),
        ("http.max_requests", "0"),
        ("http.max_requests", "-1"),
        ("http.max_requests", "many"),
        ("http.max_requests", "99999999999999999999"),
        ("http.head_limit", "100"),
        ("http.header_timeout", "0"),
        ("http.header_timeout", "9999999999"),
        ("channel.max_handshakes_per_minute", "0"),
        ("channel.max_failures_per_minute", "0"),
        ("channel.reply_grid_ms", "2000"),
        ("channel.udp", "yes"),
        ("channel.trusted_proxies", "10.0.0.0/8 10.0.0.1/8"),
        ("channel.trusted_proxies", "proxy.example.org"),
        ("channel.max_datagrams", "0"),
        ("data.dir", ""),
        ("database.url", "mysql://joe@db.example/cardea"),
        ("database.url", "postgresql://joe@db.example/cardea?sslmode=prefer"),
        ("database.url", "postgresql://joe:sesame@db.example/cardea"),
        ("database.password_file", "/etc/cardea/password"),
        ("database.connections", "0"),
        ("database.timeout", "0"),
        ("public.url", "token.example.org"),
        ("public.url", "https://"),
        ("public.url", "https://token.example.org/path"),
        ("public.url", "https://Token.example.org"),
        ("public.url", "https://token.example.org:0"),
        ("public.url", "https://token.example.org:"),
        ("public.url", "https://joe@token.example.org"),
        ("public.url", "https://::1"),
        ("public.url", "http://token.example.org"),
        ("public.channel_port", "65536"),
        ("public.android_app", "org.example.cardea"),
        ("public.ios_app", "org.example.cardea"),
        ("public.android_store", "http://play.example/x"),
        ("public.ios_store", "apps.example"),
        ("log.level", "cardea=noisy=more"),
        ("log.format", "xml"),
    ] {
        let text = error(&Sources { flags: vec![flag(key, value)], ..Sources::default() });
        assert!(text.contains(key) && text.contains("--set"), "{key}={value}: {text}");
    }
}

#[test]
fn a_password_in_the_url_is_not_shown() {
    let url = "postgresql://joe:sesame@db.example/cardea".to_owned();
    let environment = vec![("CARDEA_DATABASE_URL".to_owned(), url)];
    let config = Sources { environment, ..Sources::default() }.load().expect("a valid configuration");
    assert!(config.database.postgres().is_ok_and(|url| url.is_some_and(|url| url.has_password())));
    assert!(!format!("{config:?}").contains("sesame"));
    let flags = vec![flag("database.url", "postgresql://joe:sesame@db.example/cardea")];
    assert!(!error(&Sources { flags, ..Sources::default() }).contains("sesame"));
}

#[test]
fn a_value_of_another_type_in_the_file_is_refused() {
    for text in ["[http]\nmax_requests = \"5\"", "[http]\nlisten = 8420", "[http]\nmax_requests = [5]"] {
        let (_file, sources) = file(text);
        assert!(error(&sources).contains("must be of type"), "{text}");
    }
}

#[test]
fn a_broken_or_missing_file_is_named() {
    let (_file, sources) = file("[http");
    assert!(error(&sources).contains("is not valid TOML"));
    let missing = Sources { file: Some("/nonexistent/cardea.toml".into()), ..Sources::default() };
    assert!(error(&missing).contains("/nonexistent/cardea.toml"));
}

#[test]
fn the_host_that_devices_use_is_the_one_in_the_public_address() {
    for (url, expected) in [
        ("https://token.example.org", "token.example.org"),
        ("https://token.example.org:8443", "token.example.org"),
        ("https://192.0.2.7:8443", "192.0.2.7"),
        ("https://[2001:db8::7]", "[2001:db8::7]"),
        ("https://[2001:db8::7]:8443", "[2001:db8::7]"),
        ("http://127.0.0.1:8420", "127.0.0.1"),
        ("http://localhost:8420", "localhost"),
        ("http://[::1]:8420", "[::1]"),
    ] {
        let config = Sources { flags: vec![flag("public.url", url)], ..Sources::default() }.load();
        assert_eq!(config.expect("a valid configuration").public.url.as_deref(), Some(url));
        assert_eq!(public_host(url).expect("a host").as_str(), expected);
    }
}

#[test]
fn the_configuration_in_force_is_explained_without_its_password() {
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let sources = Sources {
        environment: vec![
            text("CARDEA_LOG_LEVEL", "debug"),
            text("CARDEA_DATABASE_URL", "postgres://cardea:hunter-two@localhost/cardea"),
        ],
        flags: vec![("http.listen".into(), "127.0.0.1:9".into(), "--http".into())],
        ..Sources::default()
    };
    let shown = sources.explain().expect("valid");
    assert!(!shown.contains("hunter-two"), "{shown}");
    for line in [
        "listen = \"127.0.0.1:9\" # the flag --http",
        "level = \"debug\" # the environment variable CARDEA_LOG_LEVEL",
        "format = \"text\" # the default",
    ] {
        assert!(shown.lines().any(|have| have == line), "{line}: {shown}");
    }
    let merged: toml::Table = shown.parse().expect("it can be used as a file");
    assert!(merged.contains_key("channel"));
}
