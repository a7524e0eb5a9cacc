//! Open connections: their number is limited, and when a limit is reached the slowest client makes room.
//!
//! A client that sends its request at once is never the one that has kept the service waiting longest, however many
//! slow ones there are. So neither slow heads nor slow bodies keep quick clients out.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// Bytes of a body for which no memory needs to be reserved.
const UNRESERVED_BYTES: usize = 64 << 10;
/// Time for which a client may keep the service waiting before another may take its place.
const PATIENCE: Duration = Duration::from_millis(100);

/// Open connections and the memory of the bodies that they are sending.
pub(in crate::serve) struct Connections {
    open: Mutex<Vec<Arc<Client>>>,
    limit: usize,
    closed: Notify,
    /// Free bytes for bodies.
    memory: Arc<Semaphore>,
    started: Instant,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::serve) enum Phase {
    /// The client is to send a head, or to read a response.
    Idle,
    /// The client is to send a body.
    Body,
    /// The service is to respond.
    Work,
}

/// Client of an open connection.
pub(in crate::serve) struct Client {
    /// Address of the client.
    pub(in crate::serve) peer: SocketAddr,
    phase: AtomicU8,
    /// Microseconds from the start of the service to the beginning of the phase.
    since: AtomicU64,
    /// Reserved bytes of the body that is being received.
    reserved: AtomicUsize,
    /// True if a response was given before the body of its request had arrived.
    left_unread: AtomicBool,
    evicted: watch::Sender<bool>,
    connections: Arc<Connections>,
}

/// Open connection; dropping it gives its place to another.
pub(in crate::serve) struct Place(Arc<Client>);

/// Reserved memory for a body; dropping it frees the memory.
#[derive(Default)]
pub(in crate::serve) struct Reserved {
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Connections {
    /// No connections yet, at most `limit` of them, whose bodies take at most `bytes` bytes and 64 KiB for each.
    pub(in crate::serve) fn new(limit: usize, bytes: usize) -> Arc<Self> {
        let memory = Arc::new(Semaphore::new(bytes));
        let open = Mutex::new(Vec::with_capacity(limit));
        Arc::new(Self { open, limit, closed: Notify::new(), memory, started: Instant::now() })
    }

    /// Waits for a place for a new connection. Without a free one, the connection whose client has kept the service
    /// waiting longest is closed.
    pub(in crate::serve) async fn admit(self: &Arc<Self>, peer: SocketAddr) -> Place {
        loop {
            let closed = self.closed.notified();
            {
                let mut open = self.lock();
                // Those that are told to close have their place until they have done so.
                if open.len() < self.limit || evict_slowest(&open) {
                    let client = Arc::new(Client {
                        peer,
                        phase: AtomicU8::new(Phase::Idle as u8),
                        since: AtomicU64::new(self.now()),
                        reserved: AtomicUsize::new(0),
                        left_unread: AtomicBool::new(false),
                        evicted: watch::Sender::new(false),
                        connections: Arc::clone(self),
                    });
                    open.push(Arc::clone(&client));
                    return Place(client);
                }
            }
            let _ = tokio::time::timeout(PATIENCE, closed).await;
        }
    }

    /// Closes the connection whose client has kept the service waiting longest, if one has for more than an instant.
    pub(in crate::serve) fn evict_slowest(&self) {
        evict_slowest(&self.lock());
    }

    /// Waits until every connection is closed.
    pub(in crate::serve) async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.lock().is_empty() {
                return;
            }
            closed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Client>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Microseconds since the start.
    fn now(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }
}

/// Closes the connection whose client has kept the service waiting longest; false if none has for longer than
/// [`PATIENCE`].
fn evict_slowest(open: &[Arc<Client>]) -> bool {
    let slowest = slowest(open, |client| client.phase() != Phase::Work);
    slowest.filter(|client| client.waited() >= PATIENCE).map(|client| client.evict()).is_some()
}

/// The client that has kept the service waiting longest, of those that `wanted` accepts and that are not evicted yet.
fn slowest(open: &[Arc<Client>], wanted: impl Fn(&Client) -> bool) -> Option<&Arc<Client>> {
    open.iter()
        .filter(|client| !client.is_evicted() && wanted(client))
        .min_by_key(|client| client.since.load(Ordering::Relaxed))
}

impl Place {
    /// Client of the connection.
    pub(in crate::serve) fn client(&self) -> &Arc<Client> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.0.connections.lock();
        if let Some(index) = open.iter().position(|client| Arc::ptr_eq(client, &self.0)) {
            open.swap_remove(index);
        }
        drop(open);
        self.0.connections.closed.notify_one();
    }
}

impl Client {
    /// Notes that a phase begins.
    pub(in crate::serve) fn enter(&self, phase: Phase) {
        self.reserved.store(0, Ordering::Relaxed);
        self.since.store(self.connections.now(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Phase of the connection.
    pub(in crate::serve) fn phase(&self) -> Phase {
        let phase = self.phase.load(Ordering::Relaxed);
        [Phase::Idle, Phase::Body].into_iter().find(|known| *known as u8 == phase).unwrap_or(Phase::Work)
    }

    /// Notes that the response is given: the client is to read it, and may send the next request.
    pub(in crate::serve) fn responded(&self) {
        if self.phase() == Phase::Body {
            self.left_unread.store(true, Ordering::Relaxed);
        }
        self.enter(Phase::Idle);
    }

    /// True if a response was given before the body of its request had arrived.
    pub(in crate::serve) fn has_left_unread(&self) -> bool {
        self.left_unread.load(Ordering::Relaxed)
    }

    /// Time since the phase began.
    pub(in crate::serve) fn waited(&self) -> Duration {
        Duration::from_micros(self.connections.now().saturating_sub(self.since.load(Ordering::Relaxed)))
    }

    /// Tells the connection to close.
    fn evict(&self) {
        self.evicted.send_replace(true);
    }

    /// True if the connection is to close.
    pub(in crate::serve) fn is_evicted(&self) -> bool {
        *self.evicted.borrow()
    }

    /// Waits until the connection is to close.
    pub(in crate::serve) async fn evicted(&self) {
        // The sender is a field of this client.
        let _ = self.evicted.subscribe().wait_for(|evicted| *evicted).await;
    }

    /// Reserves memory for a body of `bytes` bytes so far. If there is not enough, the client makes room that has been
    /// sending its body longest; false if that is this one.
    pub(in crate::serve) async fn reserve(&self, reserved: &mut Reserved, bytes: usize) -> bool {
        let more = bytes.saturating_sub(UNRESERVED_BYTES).saturating_sub(reserved.bytes);
        if more == 0 {
            return true;
        }
        let (memory, count) = (&self.connections.memory, u32::try_from(more).unwrap_or(u32::MAX));
        let permit = match Arc::clone(memory).try_acquire_many_owned(count) {
            Ok(permit) => permit,
            Err(_) if !self.make_room() => return false,
            Err(_) => {
                // The semaphore is never closed.
                let Ok(permit) = Arc::clone(memory).acquire_many_owned(count).await else { return false };
                permit
            }
        };
        reserved.bytes += more;
        self.reserved.store(reserved.bytes, Ordering::Relaxed);
        match &mut reserved.permit {
            Some(all) => all.merge(permit),
            none => *none = Some(permit),
        }
        true
    }

    /// Evicts the client that has been sending a large body longest; false if this one has been for longer. What bodies
    /// take whose requests are being answered will be free by itself.
    fn make_room(&self) -> bool {
        let sends = |client: &Client| client.phase() == Phase::Body && client.reserved.load(Ordering::Relaxed) > 0;
        let open = self.connections.lock();
        let slowest = slowest(&open, |client| !std::ptr::eq(client, self) && sends(client));
        match slowest.filter(|client| client.since.load(Ordering::Relaxed) <= self.since.load(Ordering::Relaxed)) {
            Some(client) => client.evict(),
            None => return slowest.is_none(),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    /// Places whose clients began to keep the service waiting one after another.
    async fn admitted(connections: &Arc<Connections>, count: u16) -> Vec<Place> {
        let mut places = Vec::new();
        for port in 0..count {
            places.push(connections.admit(peer(port)).await);
            std::thread::sleep(Duration::from_micros(20));
        }
        places
    }

    #[test]
    fn a_new_connection_takes_the_place_of_the_slowest_client() {
        let connections = Connections::new(3, 0);
        block_on(async {
            let places = admitted(&connections, 3).await;
            places[0].client().enter(Phase::Work);
            std::thread::sleep(Duration::from_micros(20));
            places[1].client().enter(Phase::Body);
            std::thread::sleep(PATIENCE);
            let _new = connections.admit(peer(9)).await;
            let evicted: Vec<bool> = places.iter().map(|place| place.client().is_evicted()).collect();
            assert_eq!(evicted, [false, false, true], "the third has waited longest, the first is being answered");
            let _next = connections.admit(peer(10)).await;
            assert!(places[1].client().is_evicted() && !places[0].client().is_evicted());
        });
    }

    #[test]
    fn who_is_being_answered_keeps_the_place() {
        let connections = Connections::new(2, 0);
        block_on(async {
            let mut places = admitted(&connections, 2).await;
            places.iter().for_each(|place| place.client().enter(Phase::Work));
            let waited = tokio::time::timeout(2 * PATIENCE, connections.admit(peer(9))).await;
            assert!(waited.is_err(), "there is no place");
            let (new, ()) = tokio::join!(connections.admit(peer(9)), async { drop(places.pop()) });
            assert_eq!(new.client().peer, peer(9));
            assert!(!places[0].client().is_evicted());
        });
    }

    #[test]
    fn quick_clients_do_not_displace_each_other() {
        let connections = Connections::new(1, 0);
        block_on(async {
            let place = connections.admit(peer(0)).await;
            let begun = Instant::now();
            let _new = connections.admit(peer(1)).await;
            assert!(begun.elapsed() >= PATIENCE / 2 && place.client().is_evicted());
        });
    }

    #[test]
    fn memory_for_a_body_comes_from_the_slowest_sender() {
        let connections = Connections::new(10, 100);
        block_on(async {
            let places = admitted(&connections, 3).await;
            let clients: Vec<&Arc<Client>> = places.iter().map(Place::client).collect();
            for client in &clients {
                client.enter(Phase::Body);
                std::thread::sleep(Duration::from_micros(20));
            }
            let mut reserved: [Reserved; 3] = std::array::from_fn(|_| Reserved::default());
            for (client, reserved) in clients.iter().zip(&mut reserved) {
                assert!(client.reserve(reserved, UNRESERVED_BYTES).await, "small bodies need none");
            }
            let [first, second, third] = &mut reserved;
            assert!(clients[0].reserve(first, UNRESERVED_BYTES + 60).await);
            assert!(clients[1].reserve(second, UNRESERVED_BYTES + 40).await);
            let (enough, ()) = tokio::join!(clients[2].reserve(third, UNRESERVED_BYTES + 50), async {
                assert!(clients[0].is_evicted() && !clients[1].is_evicted());
                *first = Reserved::default();
            });
            assert!(enough);
            assert!(!clients[1].reserve(second, UNRESERVED_BYTES + 90).await, "it is the slowest itself now");
            assert!(!clients[2].is_evicted());
        });
    }
}
