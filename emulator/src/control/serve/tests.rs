use std::io;

use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream::repeat_with;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::time::advance;

use super::patient::{HEAD, PATIENCE};
use super::*;

/// Who knocks from within the process.
struct Door(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Door {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone)]
struct House(mpsc::UnboundedSender<DuplexStream>);

impl House {
    fn open(router: Router, most: usize) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(serve_so_many(Door(receiver), router, most));
        Self(sender)
    }

    fn knock(&self) -> DuplexStream {
        let (near, far) = duplex(4_096);
        self.0.send(far).expect("it is open");
        near
    }
}

fn pages() -> Router {
    Router::new().route("/", get(async || "here"))
}

/// Whether a call is answered on this connection.
async fn is_answered(client: &mut DuplexStream) -> bool {
    if client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"here") {
        let mut piece = [0; 512];
        match client.read(&mut piece).await {
            Ok(read) if read > 0 => answer.extend_from_slice(&piece[..read]),
            _ => return false,
        }
    }
    answer.starts_with(b"HTTP/1.1 200")
}

/// Clients keep connections: Java's up to twenty minutes, others as long as they live.
#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_its_next_call_is_kept_longer_than_clients_keep_it() {
    let house = House::open(pages(), 2);
    let mut client = house.knock();
    for pause in [0, 29, 30, 31, 300, 1_200, 1_201] {
        advance(Duration::from_secs(pause)).await;
        assert!(is_answered(&mut client).await, "after {pause} s");
    }
}

#[tokio::test(start_paused = true)]
async fn the_one_that_has_waited_longest_makes_room_and_no_other() {
    let house = House::open(pages(), 2);
    let (mut first, mut second) = (house.knock(), house.knock());
    assert!(is_answered(&mut first).await && is_answered(&mut second).await && is_answered(&mut first).await);
    let mut third = house.knock();
    assert!(is_answered(&mut third).await);
    // Closed in good order, between two calls.
    assert_eq!(second.read(&mut [0; 1]).await.expect("no reset"), 0);
    assert!(is_answered(&mut first).await && is_answered(&mut third).await);
    // Somebody who says half a word has a place no longer than anybody else.
    drop(third);
    // In this time everybody finds out.
    sleep(Duration::from_millis(1)).await;
    let mut slow = house.knock();
    slow.write_all(b"GET / HT").await.expect("it listens");
    assert!(is_answered(&mut first).await);
    let mut fourth = house.knock();
    assert!(is_answered(&mut fourth).await && is_answered(&mut first).await);
    assert!(!is_answered(&mut slow).await);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_begun_has_to_end_and_what_comes_between_two_does_not() {
    let house = House::open(pages(), 2);
    let (mut slow, mut client) = (house.knock(), house.knock());
    assert!(is_answered(&mut slow).await && is_answered(&mut client).await);
    slow.write_all(b"GET / HT").await.expect("it listens");
    let began = crate::engine::tokio_now();
    assert_eq!(slow.read(&mut [0; 1]).await.expect("no reset"), 0);
    assert!((HEAD..2 * HEAD).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(is_answered(&mut client).await);
}

#[tokio::test(start_paused = true)]
async fn many_who_say_half_a_word_keep_nobody_from_being_heard() {
    const MANY: usize = 200;
    let house = House::open(pages(), MANY);
    let mut slow = Vec::new();
    for _ in 0..MANY + 20 {
        let mut client = house.knock();
        client.write_all(b"GET / HTTP/1.1\r\nHost: ").await.expect("it listens");
        slow.push(client);
    }
    let began = crate::engine::tokio_now();
    assert!(is_answered(&mut house.knock()).await);
    assert!(began.elapsed() < HEAD / 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_call_in_hand_is_not_disturbed_and_who_comes_waits_for_the_first_that_ends() {
    let (go, told) = oneshot::channel::<()>();
    let told = Arc::new(tokio::sync::Mutex::new(Some(told)));
    let slow = get(async move || {
        let told = told.lock().await.take();
        told.expect("once").await.expect("told");
        "here"
    });
    let house = House::open(Router::new().route("/", slow).merge(Router::new().route("/fast", get(async || "x"))), 1);
    let mut busy = house.knock();
    let answer = tokio::spawn(async move { is_answered(&mut busy).await });
    tokio::task::yield_now().await;
    let mut next = house.knock();
    let knocking = tokio::spawn(async move {
        next.write_all(b"GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("written");
        let mut word = [0; 12];
        next.read_exact(&mut word).await.map(|_| word)
    });
    advance(Duration::from_secs(600)).await;
    assert!(!answer.is_finished() && !knocking.is_finished());
    go.send(()).expect("somebody waits");
    assert!(answer.await.expect("no panic"));
    assert_eq!(&knocking.await.expect("no panic").expect("an answer"), b"HTTP/1.1 200");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_a_stream_is_cut_off_and_who_reads_is_not() {
    let events = get(async || {
        let many = repeat_with(|| Ok::<_, std::convert::Infallible>(Event::default().data("x".repeat(1_000))));
        Sse::new(many)
    });
    let house = House::open(Router::new().route("/events", events), 2);
    let (mut deaf, mut reader) = (house.knock(), house.knock());
    for client in [&mut deaf, &mut reader] {
        client.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it listens");
    }
    // The reader takes a little now and then, for longer than anybody waits for the other.
    for _ in 0..10 {
        assert!(reader.read(&mut [0; 4_096]).await.expect("it goes on") > 0);
        advance(PATIENCE / 3).await;
        tokio::task::yield_now().await;
    }
    assert!(reader.read(&mut [0; 4_096]).await.expect("it goes on") > 0);
    let began = crate::engine::tokio_now();
    let mut rest = Vec::new();
    deaf.read_to_end(&mut rest).await.expect("what was under way, and then the end");
    assert!(rest.len() <= 4_096 && began.elapsed() < PATIENCE, "{}", rest.len());
}
