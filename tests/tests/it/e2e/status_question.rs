//! A status over PostgreSQL is one question, which looks at nothing but indexes.

use cardea_tests::harness::{Cluster, Site, until};

use super::pair::over;

/// How the question begins.
const QUESTION: &str = "Query Text: SELECT k.id, k.hash,";
/// Where everything is that a status depends on.
const TABLES: [&str; 6] = ["authkey", "service", "token", "device", "attempt", "meta"];
/// Rows that nobody can open, and nobody does: the plan depends on how many there are.
const FILL: &str = "
    INSERT INTO service SELECT 100000 + n, 'default_s' || n, 'default', 1, '\\x00' FROM generate_series(1, 1000) n;
    INSERT INTO authkey SELECT 100000 + n, sha256(n::text::bytea), 0, 1, '\\x00' FROM generate_series(1, 1000) n;
    INSERT INTO token SELECT decode(md5(n::text), 'hex'), 100001, ('user' || n)::bytea, 1, '\\x00'
        FROM generate_series(1, 10000) n;
    INSERT INTO device (token, number, ver, sealed, hint_cur, static_key)
        SELECT id, substr(id, 1, 8), 1, '\\x00', sha256(id), sha256(id) FROM token WHERE service = 100001;
    INSERT INTO attempt SELECT token, number, 1, '\\x00' FROM device WHERE sealed = '\\x00'";

/// The plans of all questions so far, as the database has logged them.
fn plans(cluster: &Cluster) -> Vec<String> {
    let log = cluster.log();
    let plans = log.split(QUESTION).skip(1);
    // Whatever belongs to a message begins with a tab.
    plans.map(|rest| rest.split("\n2").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_status_among_ten_thousand_tokens_is_one_question_by_indexes_only() {
    let cluster = Cluster::start(
        "shared_preload_libraries = 'auto_explain'\nauto_explain.log_min_duration = 0\nautovacuum = off",
    );
    let url = cluster.database();
    let site = Site::run_with(over(&url));
    site.enrolled("joe").open(Site::PIN).ended(0);
    let mut asked = 0;
    // Plans are made anew at first and kept later; while there is little, when there is much, and once that is known.
    for change in ["SELECT", FILL, "ANALYZE"] {
        cluster.sql(&url, change);
        let before = plans(&cluster).len();
        assert_eq!(before, asked);
        for _ in 0..30 {
            assert_eq!(site.status("joe"), 1);
        }
        asked += 30;
        until("the log has all of them", || (plans(&cluster).len() == asked).then_some(()));
        for plan in &plans(&cluster)[before..] {
            assert!(!plan.contains("Seq Scan"), "{change}: {plan}");
            for table in TABLES {
                // By the table's name, or by that of an index on it.
                let names = [format!(" on {table} "), format!(" on {table}_")];
                let by_index = |line: &str| line.contains("Index Scan") && names.iter().any(|name| line.contains(name));
                assert!(plan.lines().any(by_index), "{table}: {plan}");
            }
        }
    }
}
