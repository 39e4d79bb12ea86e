//! A TCP server on this machine that ends with its value.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A server on a port of its own, one thread for each connection. When it is dropped it closes the connections and waits for
/// their threads.
pub(super) struct LocalServer {
    pub(super) address: SocketAddr,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl LocalServer {
    /// Starts a server that does `serve` with each connection.
    pub(super) fn start(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let stopping = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&stopping);
        let acceptor = std::thread::spawn(move || {
            let open: Mutex<Vec<TcpStream>> = Mutex::default();
            let serve = &serve;
            std::thread::scope(|threads| {
                for stream in listener.incoming().map_while(Result::ok) {
                    if stops.load(Ordering::SeqCst) {
                        break;
                    }
                    open.lock().unwrap_or_else(PoisonError::into_inner).push(stream.try_clone().expect("a second handle"));
                    // A client that goes away ends its connection and nothing else.
                    threads.spawn(move || {
                        let handle = stream.try_clone();
                        drop(serve(stream));
                        drop(handle.map(|stream| stream.shutdown(Shutdown::Both)));
                    });
                }
                for stream in open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    drop(stream.shutdown(Shutdown::Both));
                }
            });
        });
        Self { address, stopping, acceptor: Some(acceptor) }
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}
