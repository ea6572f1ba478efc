//! A thousand relying parties, each with its question on the way, and one opening.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use cardea_tests::harness::{Cluster, Site};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const PIN: &str = Site::PIN;
const ASKERS: usize = 1_000;
/// Threads that send the ends of the questions.
const HANDS: usize = 50;
/// Descriptors that this process needs.
const DESCRIPTORS: u64 = 2_048;
/// Nothing here is about what happens when too many ask.
const ROOM: [(&str, &str); 7] = [
    ("http.max_connections", "4096"),
    ("http.max_requests", "4096"),
    ("http.header_timeout", "120"),
    ("http.answer_timeout", "120"),
    ("limits.connections_per_address", "0"),
    ("limits.checks_per_token", "0"),
    ("limits.calls_per_authkey", "0"),
];

/// Makes room for all the connections on this side.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < DESCRIPTORS) {
        let raised =
            Rlimit { current: limit.maximum.map_or(Some(DESCRIPTORS), |most| Some(most.min(DESCRIPTORS))), ..limit };
        setrlimit(Resource::Nofile, raised).expect("a soft limit may be raised up to the hard one");
    }
}

/// Opens a thousand connections over `nodes`, sends each question but for its last byte, and then all last bytes at once.
/// Returns the bodies of the answers.
fn ask_together(nodes: &[&Site], user: &str) -> Vec<String> {
    let question = |node: &Site| {
        let target = node.status_target(user);
        format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r", node.http())
    };
    let ask = |address: SocketAddr, question: &str| {
        let mut stream = TcpStream::connect(address).expect("there is room");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a time limit that is not 0 can be set");
        stream.set_nodelay(true).expect("a connection");
        stream.write_all(question.as_bytes()).expect("nothing is refused before it ends");
        stream
    };
    let mut asking: Vec<TcpStream> = (0..ASKERS)
        .map(|number| {
            let node = nodes[number % nodes.len()];
            ask(node.http(), &question(node))
        })
        .collect();
    let barrier = Barrier::new(HANDS);
    let answers: Vec<Vec<String>> = thread::scope(|scope| {
        let hands: Vec<_> = asking
            .chunks_mut(ASKERS / HANDS)
            .map(|streams| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    for stream in streams.iter_mut() {
                        stream.write_all(b"\n").expect("the server waits for it");
                    }
                    let answer = |stream: &mut TcpStream| {
                        let mut answer = String::new();
                        stream.read_to_string(&mut answer).expect("an answer");
                        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
                        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
                        body.to_owned()
                    };
                    streams.iter_mut().map(answer).collect()
                })
            })
            .collect();
        hands.into_iter().map(|hand| hand.join().expect("it asks")).collect()
    });
    answers.concat()
}

fn one_is_told(nodes: &[&Site], user: &str) {
    let told = ask_together(nodes, user);
    assert_eq!(told.len(), ASKERS);
    let count = |text: &str| told.iter().filter(|told| *told == text).count();
    assert_eq!((count("{\"status\":1}"), count("{\"status\":2}")), (1, ASKERS - 1));
}

#[test]
fn of_a_thousand_questions_at_once_one_is_told_that_the_token_is_open() {
    raise_limit();
    let settings = ROOM.map(|(key, value)| format!("{key}={value}"));
    let mut arguments = vec!["--window", "0"];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    let mut site = Site::dev_with(&arguments);
    let device = site.enrolled("joe");
    for _ in 0..2 {
        device.open(PIN).ended(0);
        one_is_told(&[&site], "joe");
    }
    site.power_failure();
    assert_eq!(site.status("joe"), 2, "what was told is on the disk");
}

#[test]
fn and_so_it_is_when_they_ask_two_nodes() {
    raise_limit();
    let key = |key: &str| format!("CARDEA_{}", key.replace('.', "_").to_uppercase());
    let mut environment: Vec<_> = ROOM.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
    environment.push(("CARDEA_DATABASE_URL".to_owned(), Cluster::shared().database()));
    let mut first = Site::run_with(environment);
    let created = first.tool(&["service", "update", &first.service, "--window", "0", "--lifetime", "3600"]);
    assert_eq!(created.code, Some(0), "{created:?}");
    first.power_failure();
    let second = first.beside();
    let device = first.enrolled("joe");
    for _ in 0..2 {
        device.open(PIN).ended(0);
        one_is_told(&[&first, &second], "joe");
    }
}
