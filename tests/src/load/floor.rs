//! The floor for "open to visible": a server that keeps one number in memory and has no cryptography.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Size of an opening and of its answer, as on the token channel.
pub(super) const EXCHANGE: (usize, usize) = (130, 65);

/// Serves until its standard input ends; prints the two ports, for openings and for HTTP.
///
/// # Panics
/// Loopback has no port left.
pub fn run_floor() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let status = Arc::new(AtomicU8::new(b'2'));
        let channel = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let http = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
        println!("{} {}", port(&channel), port(&http));
        tokio::spawn(serve(channel, Arc::clone(&status), open));
        tokio::spawn(serve(http, status, answer));
        // Whoever started this ends it by closing the pipe.
        let end = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        let _ = end.await;
    });
}

async fn serve<F>(listener: TcpListener, status: Arc<AtomicU8>, handle: impl Fn(TcpStream, Arc<AtomicU8>) -> F)
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        if stream.set_nodelay(true).is_ok() {
            tokio::spawn(handle(stream, Arc::clone(&status)));
        }
    }
}

async fn open(mut stream: TcpStream, status: Arc<AtomicU8>) -> std::io::Result<()> {
    let mut message = [0; EXCHANGE.0];
    loop {
        stream.read_exact(&mut message).await?;
        status.store(message[0], Ordering::SeqCst);
        stream.write_all(&[0; EXCHANGE.1]).await?;
    }
}

async fn answer(mut stream: TcpStream, status: Arc<AtomicU8>) -> std::io::Result<()> {
    let mut request = vec![0; 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut request[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        if request[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            let status = char::from(status.load(Ordering::SeqCst));
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{{\"status\":{status}}}"
            );
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}
