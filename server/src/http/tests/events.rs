//! The stream of events, history and audit log over the wire.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{ADMIN_KEY, INSTANCE_KEY, STATUS_KEY, Server, State};
use crate::admin::{KeyScope, NewKey};
use crate::domain::permission::Permissions;

/// A reader of a stream.
struct Reader {
    stream: TcpStream,
    text: String,
}

impl Reader {
    async fn open(server: &Server, query: &str, headers: &str) -> Self {
        let mut stream = server.connect().await;
        let request = format!("GET /token/events?{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self { stream, text: String::new() }
    }

    /// Reads until `goal` has come; `false` when the stream ended before.
    async fn until(&mut self, goal: &str) -> bool {
        let mut part = [0; 4096];
        while !self.text.contains(goal) {
            match self.stream.read(&mut part).await {
                Ok(read @ 1..) => self.text.push_str(std::str::from_utf8(&part[..read]).expect("text")),
                _ => return false,
            }
        }
        true
    }

    fn events(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
    }
}

fn query(more: &str) -> String {
    format!("service=default_demo&authKey={ADMIN_KEY}{more}")
}

#[tokio::test]
async fn events_arrive_as_they_happen_and_a_reader_that_comes_back_misses_none() {
    let server = Server::start().await;
    let mut reader = Reader::open(&server, &query(""), "").await;
    assert!(reader.until("\n:\n\n").await || reader.text.contains(":\n\n"), "{}", reader.text);
    assert!(reader.text.contains("content-type: text/event-stream") && reader.text.contains("cache-control: no-store"));
    server.token("joe", State::Open).await;
    assert!(reader.until("event: token.opened\n").await);
    assert!(reader.until(" \n\n").await);
    let data = reader.text.lines().rfind(|line| line.starts_with("data: ")).expect("data");
    let body: Value = serde_json::from_str(&data[6..]).expect("JSON");
    assert_eq!((&body["type"], &body["user"]), (&json!("token.opened"), &json!("joe")), "{body}");
    assert!(!reader.text.contains("receipt"));
    let seen = body["id"].as_str().expect("a number").to_owned();
    drop(reader);
    let block = json!({ "id": "joe", "service": "default_demo", "authKey": ADMIN_KEY }).to_string();
    server.post("/token/block", &block).await;
    for (more, header) in [
        (format!("&after={seen}"), String::new()),
        (String::new(), format!("Last-Event-ID: {seen}\r\n")),
        ("&after=0".to_owned(), format!("Last-Event-ID: {seen}\r\n")),
    ] {
        let mut reader = Reader::open(&server, &query(&more), &header).await;
        assert!(reader.until("event: token.blocked\n").await, "{}", reader.text);
        assert_eq!(reader.events(), ["token.blocked"], "{more} {header}");
    }
    let mut all = Reader::open(&server, &query("&after=0&type=token.blocked,token.unblocked"), "").await;
    server.post("/token/unblock", &block).await;
    assert!(all.until("event: token.unblocked\n").await);
    assert_eq!(all.events(), ["token.blocked", "token.unblocked"]);
}

#[tokio::test]
async fn a_stream_that_begins_now_begins_with_the_number_to_come_back_behind() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    let mut reader = Reader::open(&server, &query(""), "").await;
    assert!(reader.until(":\n\n").await);
    let number = reader.text.lines().find_map(|line| line.strip_prefix("id: ")).expect("a number").to_owned();
    assert!(reader.events().is_empty(), "{}", reader.text);
    drop(reader);
    let block = json!({ "id": "joe", "service": "default_demo", "authKey": ADMIN_KEY }).to_string();
    server.post("/token/block", &block).await;
    let mut again = Reader::open(&server, &query(&format!("&after={number}")), "").await;
    assert!(again.until("event: token.blocked\n").await, "{}", again.text);
    assert_eq!(again.events(), ["token.blocked"], "what came in between, and nothing from before");
}

#[tokio::test]
async fn a_reader_who_is_ahead_of_the_journal_is_told_and_does_not_wait_for_ever() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    let mut reader = Reader::open(&server, &query(""), "").await;
    assert!(reader.until(":\n\n").await);
    let newest: u64 =
        reader.text.lines().find_map(|line| line.strip_prefix("id: ")).expect("a number").parse().expect("a number");
    for (more, header) in [
        (format!("&after={}", newest + 1), String::new()),
        (String::new(), format!("Last-Event-ID: {}\r\n", newest + 7)),
    ] {
        let head = format!("GET /token/events?{} HTTP/1.1\r\nHost: x\r\n{header}\r\n", query(&more));
        let answer = server.head(&head).await;
        assert_eq!(answer.status, 400, "{more} {header}: {answer:?}");
        assert!(answer.body.contains("restored from a backup") && !answer.body.contains('1'), "{answer:?}");
    }
    let mut level = Reader::open(&server, &query(&format!("&after={newest}")), "").await;
    assert!(level.until(":\n\n").await, "{}", level.text);
}

#[tokio::test]
async fn a_stream_ends_with_its_authkey_and_with_the_server() {
    let server = Server::start().await;
    let scope = KeyScope::Service("default_demo".to_owned());
    let key = server.key(NewKey::new(scope, "short", Permissions::ADMIN)).await;
    let mut doomed = Reader::open(&server, &format!("service=default_demo&authKey={key}"), "").await;
    let mut other = Reader::open(&server, &query(""), "").await;
    assert!(doomed.until(":\n\n").await && other.until(":\n\n").await);
    server.revoke(&key).await;
    server.token("joe", State::Closed).await;
    assert!(!doomed.until("never").await);
    assert!(doomed.text.ends_with("0\r\n\r\n"), "ends in order: {}", doomed.text);
    assert!(other.until("event: token.enrolled").await);
    server.shutdown.begin();
    assert!(!other.until("never").await);
    assert!(other.text.ends_with("0\r\n\r\n"), "ends in order: {}", other.text);
    server.shutdown.drained().await;
}

#[tokio::test]
async fn what_is_no_stream_is_refused_before_it_begins() {
    let server = Server::start().await;
    for (query, header, status) in [
        (query("&after=-1"), "", 400),
        (query("&after=x"), "", 400),
        (query("&type=token"), "", 400),
        (query("&type=token.opened,"), "", 400),
        (query("&type=token.opened&type=token.closed"), "", 400),
        (query("&subscription=default"), "", 400),
        (format!("authKey={ADMIN_KEY}"), "", 400),
        (query(""), "Last-Event-ID: seven\r\n", 400),
        (query(""), "Last-Event-ID: 9007199254740992\r\n", 400),
        (query(""), "Last-Event-ID: 5\r\nLast-Event-ID: 5\r\n", 400),
        (format!("service=default_demo&authKey={STATUS_KEY}"), "", 403),
        (format!("service=default_none&authKey={ADMIN_KEY}"), "", 404),
    ] {
        let head = format!("GET /token/events?{query} HTTP/1.1\r\nHost: x\r\n{header}\r\n");
        let answer = server.head(&head).await;
        assert_eq!(answer.status, status, "{query} {header}: {answer:?}");
        assert!(!answer.body.contains('1'), "{answer:?}");
    }
}

#[tokio::test]
async fn the_history_of_a_token_comes_in_pages_with_receipts() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let target = format!("/token/history?id=joe&{}&limit=1{cursor}", query(""));
        let page = server.get(&target).await.json();
        for item in page["items"].as_array().expect("a list") {
            names.push(item["type"].as_str().expect("text").to_owned());
            assert_eq!(item.get("receipt").is_some(), item["type"] == "token.opened", "{item}");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names.first().map(String::as_str), Some("token.opened"), "{names:?}");
    assert!(names.contains(&"token.enrolled".to_owned()), "{names:?}");
}

#[tokio::test]
async fn the_audit_log_is_exported_page_by_page_and_proves_what_it_says() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let (tenant, all) = (format!("subscription=default&authKey={ADMIN_KEY}"), format!("authKey={INSTANCE_KEY}"));
    for query in [&tenant, &all] {
        let checkpoint = server.get(&format!("/token/audit/checkpoint?{query}")).await.json();
        assert!(checkpoint["checkpoint"].as_str().is_some_and(|note| note.contains('\u{2014}')), "{checkpoint}");
        let (mut seqs, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/token/audit/export?{query}&limit=2{cursor}")).await.json();
            seqs.extend(
                page["items"].as_array().expect("a list").iter().map(|it| it["seq"].as_u64().expect("a number")),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert!(seqs.len() > 2 && seqs.is_sorted(), "{seqs:?}");
        let event = seqs[1];
        for proof in [format!("event={event}"), format!("from={event}")] {
            let proof = server.get(&format!("/token/audit/proof?{query}&{proof}")).await.json();
            assert!(proof["proof"].is_array() && proof["checkpoint"].is_string(), "{proof}");
        }
        for bad in ["event=999999", "from=999999", "event=0", "event=5&from=5", "x=5"] {
            assert_eq!(server.get(&format!("/token/audit/proof?{query}&{bad}")).await.status, 400, "{bad}");
        }
    }
    let foreign = server.get(&format!("/token/audit/export?authKey={ADMIN_KEY}")).await;
    assert_eq!(foreign.status, 403, "the instance's log is for authkeys of the instance");
}
