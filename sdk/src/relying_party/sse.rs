//! Server-sent events, taken out of the bytes of a stream.

use bytes::{Buf as _, BytesMut};

/// Most bytes of one event. Those of a server have a few thousand.
const EVENT_MAX: usize = 64 * 1024;

/// What is wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// An event does not end.
    TooLong,
    /// It is not UTF-8.
    Text,
}

/// The fields of one event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Frame {
    pub(super) id: Option<String>,
    pub(super) event: String,
    pub(super) data: String,
}

/// What has come of a stream and was not taken out yet.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: BytesMut,
    frame: Frame,
    /// Bytes of the event so far.
    length: usize,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next event or bare number, if it is whole. Comments are left out.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Broken> {
        loop {
            let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else {
                return if self.length + self.bytes.len() > EVENT_MAX { Err(Broken::TooLong) } else { Ok(None) };
            };
            self.length += end + 1;
            if self.length > EVENT_MAX {
                return Err(Broken::TooLong);
            }
            let line = self.bytes.split_to(end);
            self.bytes.advance(1);
            let line = std::str::from_utf8(&line).map_err(|_| Broken::Text)?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                self.length = 0;
                let frame = std::mem::take(&mut self.frame);
                if frame != Frame::default() {
                    return Ok(Some(frame));
                }
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => self.frame.id = Some(value.to_owned()),
                "event" => value.clone_into(&mut self.frame.event),
                "data" => {
                    if !self.frame.data.is_empty() {
                        self.frame.data.push('\n');
                    }
                    self.frame.data.push_str(value);
                }
                // Comments have no name.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(pieces: &[&[u8]]) -> Result<Vec<Frame>, Broken> {
        let (mut frames, mut all) = (Frames::default(), Vec::new());
        for piece in pieces {
            frames.push(piece);
            while let Some(frame) = frames.next()? {
                all.push(frame);
            }
        }
        Ok(all)
    }

    fn frame(id: Option<&str>, event: &str, data: &str) -> Frame {
        Frame { id: id.map(str::to_owned), event: event.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_however_they_are_cut_into_pieces() {
        let text = ":\n\nid: 7\n\nid: 8\nevent: token.opened\ndata: {\"a\":1}  \n\n: x\r\nid:9\r\nevent:b\r\ndata:c\r\ndata: d\r\n\r\n";
        let expected =
            [frame(Some("7"), "", ""), frame(Some("8"), "token.opened", "{\"a\":1}  "), frame(Some("9"), "b", "c\nd")];
        assert_eq!(frames(&[text.as_bytes()]).unwrap(), expected);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(frames(&bytes).unwrap(), expected);
        for at in 0..text.len() {
            let (head, tail) = text.as_bytes().split_at(at);
            assert_eq!(frames(&[head, tail]).unwrap(), expected, "{at}");
        }
    }

    #[test]
    fn an_event_that_is_cut_off_is_none() {
        assert_eq!(frames(&[b"id: 8\nevent: token.opened\ndata: {}\n"]).unwrap(), []);
    }

    #[test]
    fn what_does_not_end_or_is_no_text_is_refused() {
        let piece = [b'x'; 1024];
        let endless: Vec<&[u8]> = (0..65).map(|_| piece.as_slice()).collect();
        assert_eq!(frames(&endless), Err(Broken::TooLong));
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        let endless: Vec<&[u8]> = (0..70).map(|_| line.as_slice()).collect();
        assert_eq!(frames(&endless), Err(Broken::TooLong));
        assert_eq!(frames(&[b"data: \xff\n\n"]), Err(Broken::Text));
        // Many of them are fine.
        let one = [line.as_slice(), b"\n"].concat();
        let many: Vec<&[u8]> = (0..100).map(|_| one.as_slice()).collect();
        assert_eq!(frames(&many).unwrap().len(), 100);
    }
}
