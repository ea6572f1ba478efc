//! Taking connections, each on a thread of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Gives every connection to `serve`, and returns where to connect. It ends with the process: nothing can wake it from
/// its wait but a connection.
pub(super) fn each(serve: impl Fn(&TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(&stream));
        }
    });
    address
}
