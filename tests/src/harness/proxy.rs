//! A stretch of network between devices and server, which sees every frame and can do something before it goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::listen;

/// What happens on a connection. Frames are counted from 0 over all connections, in each direction on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A device has connected; the server has not been reached yet.
    Connected(usize),
    /// A frame of a device is here and goes to the server next.
    Asking(usize),
    /// It has gone to the server.
    Asked(usize),
    /// A frame of the server is here and goes to the device next.
    Answering(usize),
    /// It has gone to the device.
    Answered(usize),
}

type Hook = Box<dyn FnMut(Event) + Send>;

/// Between devices and a server.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Connections take turns.
    upstreams: Mutex<Vec<SocketAddr>>,
    /// The last frames of a device and of a server.
    last: Mutex<[Vec<u8>; 2]>,
    hook: Mutex<Hook>,
    counts: Mutex<[usize; 3]>,
}

impl Proxy {
    /// To the token channel at `upstream`.
    #[must_use]
    pub fn to(upstream: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            upstreams: Mutex::new(vec![upstream]),
            last: Mutex::default(),
            hook: Mutex::new(Box::new(|_| {})),
            counts: Mutex::default(),
        });
        let all = Arc::clone(&shared);
        let address = listen::each(move |stream| all.serve(stream));
        Self { address, shared }
    }

    /// Where devices connect.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The server is somewhere else now.
    pub fn lead_to(&self, upstream: SocketAddr) {
        self.spread_over(&[upstream]);
    }

    /// Connections lead to these by turns from now on.
    pub fn spread_over(&self, upstreams: &[SocketAddr]) {
        *self.shared.upstreams.lock().expect("no one panics with it") = upstreams.to_vec();
    }

    /// The last frame of a device, and the last of a server, each with its two bytes of length.
    #[must_use]
    pub fn last(&self) -> [Vec<u8>; 2] {
        self.shared.last.lock().expect("no one panics with it").clone()
    }

    /// What to do at each event from now on; counting begins anew.
    pub fn at(&self, hook: impl FnMut(Event) + Send + 'static) {
        *self.shared.hook.lock().expect("hooks do not panic") = Box::new(hook);
        *self.shared.counts.lock().expect("no one panics with it") = [0; 3];
    }
}

impl Shared {
    fn tell(&self, event: Event) {
        (self.hook.lock().expect("hooks do not panic"))(event);
    }

    fn count(&self, which: usize) -> usize {
        let mut counts = self.counts.lock().expect("no one panics with it");
        counts[which] += 1;
        counts[which] - 1
    }

    fn serve(&self, device: &TcpStream) {
        let number = self.count(0);
        self.tell(Event::Connected(number));
        let upstream = {
            let upstreams = self.upstreams.lock().expect("no one panics with it");
            upstreams[number % upstreams.len()]
        };
        // A server that is not there: the device's connection ends.
        let Ok(server) = TcpStream::connect(upstream) else { return };
        thread::scope(|scope| {
            scope.spawn(|| {
                self.pump(1, &server, device, |frame| {
                    let number = self.count(2);
                    self.tell(Event::Answering(number));
                    frame();
                    self.tell(Event::Answered(number));
                });
            });
            self.pump(0, device, &server, |frame| {
                let number = self.count(1);
                self.tell(Event::Asking(number));
                frame();
                self.tell(Event::Asked(number));
            });
        });
    }

    /// Hands on frames until either end is gone, and then ends both.
    fn pump(&self, which: usize, mut from: &TcpStream, mut to: &TcpStream, mut around: impl FnMut(&mut dyn FnMut())) {
        while let Some(frame) = read_frame(&mut from) {
            self.last.lock().expect("no one panics with it")[which].clone_from(&frame);
            let mut sent = false;
            around(&mut || sent = to.write_all(&frame).is_ok());
            if !sent {
                break;
            }
        }
        for stream in [from, to] {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Sends a frame that somebody recorded to a server's token channel, on a connection of its own. The frame that comes back;
/// `None`: the server ends the connection without a word.
pub fn replay(server: SocketAddr, frame: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).expect("the server listens");
    stream.write_all(frame).expect("the server reads");
    read_frame(&mut stream)
}

/// A frame with its two bytes of length.
fn read_frame(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    from.read_exact(&mut length).ok()?;
    let mut frame = vec![0; 2 + usize::from(u16::from_be_bytes(length))];
    frame[..2].copy_from_slice(&length);
    from.read_exact(&mut frame[2..]).ok()?;
    Some(frame)
}
