//! The peer of status checks: hyper, and a map from targets to bodies.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Serves on one thread until its standard input ends: `target` is open, and nothing else is there. Prints its address.
///
/// # Panics
/// Loopback has no port left.
pub fn run_map(target: &str) {
    let statuses = HashMap::from([(target.to_owned(), r#"{"status":1}"#)]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(serve(listener, Arc::new(statuses)));
        // Whoever started this ends it by closing the pipe.
        let end = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        let _ = end.await;
    });
}

async fn serve(listener: TcpListener, statuses: Arc<HashMap<String, &'static str>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let statuses = Arc::clone(&statuses);
        tokio::spawn(async move {
            let service = service_fn(|request| std::future::ready(answer(&statuses, &request)));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The same bytes as the server's.
fn answer(
    statuses: &HashMap<String, &'static str>,
    request: &Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let body = statuses.get(target).copied().unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
