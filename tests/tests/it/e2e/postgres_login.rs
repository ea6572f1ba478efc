//! The way into a real PostgreSQL server: TLS with an authority of the operator's own, and a password that nobody sees.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cardea_tests::harness::{Output, Site, get, until};

use super::guarded::{Guarded, NAME};
use super::partition::failed;

const PASSWORD: &str = "sesame-opens-4907";
const OTHER: &str = "simsim-stays-2266";

/// A server with the role `joe`.
fn guarded() -> Guarded {
    let guarded = Guarded::start();
    guarded.cluster.sql("postgres", &format!("CREATE ROLE joe LOGIN PASSWORD '{PASSWORD}'"));
    guarded
}

fn environment(url: &str, password_file: Option<&Path>) -> Vec<(String, String)> {
    let mut environment = vec![("CARDEA_DATABASE_URL".to_owned(), url.to_owned())];
    environment
        .extend(password_file.map(|path| ("CARDEA_DATABASE_PASSWORD_FILE".to_owned(), path.display().to_string())));
    environment
}

/// Fails, says so with all of `pieces`, and repeats no password.
#[track_caller]
fn refused(output: &Output, said: &str, pieces: &[&str]) {
    assert_eq!(output.code, Some(1), "{output:?}");
    for piece in pieces {
        assert!(said.contains(piece), "no {piece} in {output:?}");
    }
    for password in [PASSWORD, OTHER] {
        assert!(!output.out.contains(password) && !output.err.contains(password), "{output:?}");
    }
}

#[test]
fn a_server_logs_in_by_password_over_tls_and_shows_the_password_nowhere() {
    let guarded = guarded();
    let database = guarded.database();
    let file = guarded.password_file(PASSWORD);
    let mut site = Site::run_with(environment(&guarded.url(&database, "ca.pem"), Some(&file)));
    site.hide(&[PASSWORD.to_owned(), OTHER.to_owned()]);
    site.enrolled("joe").open(Site::PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    let ours = "FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'joe'";
    let protected = guarded.cluster.sql("postgres", &format!("SELECT count(*) > 1, bool_and(ssl) {ours}"));
    assert_eq!(protected, "t|t");
    assert!(!site.killer().visible().contains(PASSWORD));
    let doctor = site.tool(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(doctor.out.contains("ok       database.url") && doctor.out.contains("by TLS"), "{doctor:?}");
    assert!(doctor.out.contains("ok       database ") && !doctor.out.contains(PASSWORD), "{doctor:?}");
    let printed = site.tool(&["config", "print"]);
    assert!(printed.code == Some(0) && !printed.out.contains(PASSWORD), "{printed:?}");

    // The password is changed under the running server, and its connections are ended.
    let end = format!("SELECT count(pg_terminate_backend(pid)) {ours}");
    guarded.cluster.sql("postgres", &format!("ALTER ROLE joe PASSWORD '{OTHER}'"));
    guarded.cluster.sql("postgres", &end);
    failed(&until("the server is shut out", || Some(site.ask("joe")).filter(|answer| answer.code != 200)));
    failed(&get(site.http(), b"/readyz"));
    site.logged(&["password authentication failed"]);
    guarded.cluster.sql("postgres", &format!("ALTER ROLE joe PASSWORD '{PASSWORD}'"));
    until("it is let in again", || (site.ask("joe").code == 200).then_some(()));
    assert!(site.is_up());

    // A password in the url works, too, but not on the command line.
    let inside = guarded.url(&database, "ca.pem").replace("joe@", &format!("joe:{PASSWORD}@"));
    assert_eq!(site.stop(), Some(0));
    site.start.environment = environment(&inside, None);
    site.up();
    assert_eq!(site.ask("joe").code, 200);
    let doctor = site.tool(&["doctor"]);
    assert!(doctor.out.contains("password_file") && !doctor.out.contains(PASSWORD), "{doctor:?}");
    site.start.environment.clear();
    let shown = site.tool(&["doctor", "--set", &format!("database.url={inside}")]);
    refused(&shown, &shown.err, &["database.url"]);
}

#[test]
fn what_is_wrong_with_the_way_is_said_and_the_password_never() {
    let guarded = guarded();
    let database = guarded.database();
    let (right, wrong) = (guarded.password_file(PASSWORD), guarded.password_file(&format!("{OTHER}x")));
    let good = guarded.url(&database, "ca.pem");
    let (place, _) = good.split_once("&sslmode").expect("parameters");
    let loose = guarded.folder.path().join("loose");
    fs::write(&loose, PASSWORD).expect("written");
    fs::set_permissions(&loose, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let absent = guarded.folder.path().join("absent");
    let plain = format!("{place}&sslmode=disable");
    let cases: [(&str, String, Option<&Path>, &[&str]); 12] = [
        ("wrong password", good.clone(), Some(&wrong), &["password authentication failed", "password"]),
        ("no password", good.clone(), None, &["wants a password", "database.password_file"]),
        ("open password file", good.clone(), Some(&loose), &["chmod 600"]),
        ("no password file", good.clone(), Some(&absent), &["password file", "cannot be read"]),
        ("wrong authority", guarded.url(&database, "other.pem"), Some(&right), &["UnknownIssuer", "sslrootcert"]),
        ("authorities of browsers", format!("{place}&sslmode=verify-full"), Some(&right), &["UnknownIssuer"]),
        ("wrong name", good.replace(NAME, "db.example.org"), Some(&right), &["not valid for name", "host"]),
        ("no authority", guarded.url(&database, "empty.pem"), Some(&right), &["empty.pem", "no certificate"]),
        ("no file", guarded.url(&database, "absent.pem"), Some(&right), &["absent.pem"]),
        ("plain text", plain, Some(&right), &["no encryption", "refuses"]),
        ("by luck", format!("{place}&sslmode=prefer"), Some(&right), &["sslmode", "luck"]),
        ("no database", good.replace(&database, "nothere"), Some(&right), &["nothere", "database.url"]),
    ];
    for (what, url, file, pieces) in cases {
        let mut site = Site::empty();
        site.hide(&[PASSWORD.to_owned(), OTHER.to_owned()]);
        site.start.run = true;
        site.start.environment = environment(&url, file);
        fs::create_dir(site.data()).expect("a folder");
        fs::set_permissions(site.data(), fs::Permissions::from_mode(0o700)).expect("it is ours");
        println!("{what}");
        let ended = site.try_up().expect_err(what);
        let last = ended.err.lines().last().unwrap_or_default().to_owned();
        assert!(last.starts_with("cardea-server: "), "{ended:?}");
        refused(&ended, &last, pieces);
        let doctor = site.tool(&["doctor"]);
        refused(&doctor, &format!("{}{}", doctor.out, doctor.err), pieces);
        assert_eq!(fs::read_dir(site.data()).expect("a folder").count(), 0, "nothing was made");
    }
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(guarded.cluster.sql(&database, tables), "0");

    // Who only looks makes nothing either.
    let mut site = Site::empty();
    fs::create_dir(site.data()).expect("a folder");
    site.start.environment = environment(&good, Some(&right));
    let doctor = site.tool(&["doctor"]);
    refused(&doctor, &doctor.out, &["bad      database", "cardea-server init"]);
    assert_eq!(guarded.cluster.sql(&database, tables), "0");

    // A server that has no TLS at all gets no password.
    guarded.cluster.down("INT");
    guarded.put("postgresql.auto.conf", "ssl = off\n");
    guarded.put("pg_hba.conf", "local all cardea trust\nhost all all all password\n");
    guarded.cluster.up();
    let doctor = site.tool(&["doctor"]);
    refused(&doctor, &doctor.out, &["does not support TLS", "sslmode"]);
}
