//! A line between the product and the domain controller, which is watched and cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A line to the domain controller that carries every byte by itself or in small pieces, so that no
/// length and no buffer comes whole, keeps what it carried, and can be cut.
pub struct Line {
    pub port: u16,
    pub carried: Arc<Mutex<Vec<u8>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Self { port, carried: Arc::default(), open: Arc::default() };
        let (carried, open) = (Arc::clone(&line.carried), Arc::clone(&line.open));
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let far = TcpStream::connect("127.0.0.1:389").unwrap();
                let ends = [(&near, &far), (&far, &near)];
                for (from, to) in
                    ends.map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
                {
                    let kept = Arc::clone(&carried);
                    std::thread::spawn(move || carry(from, to, &kept));
                }
                open.lock().unwrap().push(near);
            }
        });
        line
    }

    /// Ends every connection.
    pub fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            // It may have ended by itself.
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, kept: &Mutex<Vec<u8>>) {
    to.set_nodelay(true).unwrap();
    let mut buffer = [0; 1_021];
    let mut size = 1;
    while let Ok(count @ 1..) = from.read(&mut buffer[..size]) {
        kept.lock().unwrap().extend(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        size = size % buffer.len() + 1;
    }
    // The other end may be gone already.
    let _gone = to.shutdown(Shutdown::Both);
}
