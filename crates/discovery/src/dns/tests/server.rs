//! A small server of names on loopback, over UDP and TCP, that says what a test told it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// A record, by its type.
#[derive(Clone, Debug)]
pub(super) enum Record {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Cname(&'static str),
    Mx(&'static str),
    Ns(&'static str),
    Srv(&'static str, u16),
}

/// What a server says to a question.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Records(Vec<Record>),
    /// The code of an error: 2 the server failed, 3 no such name, 5 refused.
    Code(u8),
    /// Nothing but that it does not fit, unless asked over TCP.
    TooLong(Vec<Record>),
    /// Bytes that mean nothing.
    Nonsense,
    /// Nothing at all.
    Silence,
}

pub(super) const NO_SUCH_NAME: Reply = Reply::Code(3);

#[derive(Default)]
struct World {
    /// By the last number of the server's address, and by name.
    replies: HashMap<(u8, &'static str), Reply>,
    asked: Vec<String>,
}

/// Servers 127.0.0.1 and 127.0.0.2 on one port. They know no name but those they are told of.
pub(super) struct Servers {
    world: Arc<Mutex<World>>,
    pub(super) port: u16,
}

impl Servers {
    pub(super) async fn start() -> Self {
        let world = Arc::default();
        let addresses = |port| [1, 2].map(|n| SocketAddr::from(([127, 0, 0, n], port)));
        // Another program may have the port on one of the ways.
        'ports: loop {
            let first = UdpSocket::bind(addresses(0)[0]).await.unwrap();
            let port = first.local_addr().unwrap().port();
            let Ok(second) = UdpSocket::bind(addresses(port)[1]).await else { continue };
            let mut listeners = Vec::new();
            for address in addresses(port) {
                let Ok(listener) = TcpListener::bind(address).await else { continue 'ports };
                listeners.push(listener);
            }
            for (socket, listener) in [first, second].into_iter().zip(listeners) {
                tokio::spawn(serve_udp(Arc::clone(&world), socket));
                tokio::spawn(serve_tcp(Arc::clone(&world), listener));
            }
            return Self { world, port };
        }
    }

    /// Both servers say this from now on; `name` is without the dot at its end.
    pub(super) fn both(&self, name: &'static str, reply: Reply) {
        self.one(1, name, reply.clone());
        self.one(2, name, reply);
    }

    pub(super) fn one(&self, server: u8, name: &'static str, reply: Reply) {
        self.world.lock().unwrap().replies.insert((server, name), reply);
    }

    /// What was asked since the last time: server, way, name, and number of the type.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().asked)
    }
}

async fn serve_udp(world: Arc<Mutex<World>>, socket: UdpSocket) {
    let mut buffer = [0; 4096];
    loop {
        let (len, peer) = socket.recv_from(&mut buffer).await.unwrap();
        let server = socket.local_addr().unwrap().ip();
        if let Some(answer) = answer(&world, server, false, &buffer[..len]) {
            socket.send_to(&answer, peer).await.unwrap();
        }
    }
}

async fn serve_tcp(world: Arc<Mutex<World>>, listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (world, server) = (Arc::clone(&world), listener.local_addr().unwrap().ip());
        tokio::spawn(async move {
            while let Ok(len) = stream.read_u16().await {
                let mut question = vec![0; len.into()];
                stream.read_exact(&mut question).await.unwrap();
                if let Some(answer) = answer(&world, server, true, &question) {
                    stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                    stream.write_all(&answer).await.unwrap();
                }
            }
        });
    }
}

fn answer(world: &Mutex<World>, server: IpAddr, tcp: bool, question: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8(question[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    let (name, end) = (labels.join("."), at + 5);
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let IpAddr::V4(server) = server else { unreachable!("servers are bound to IPv4") };
    let mut world = world.lock().unwrap();
    let way = if tcp { "tcp" } else { "udp" };
    world.asked.push(format!("{} {way} {name} {kind}", server.octets()[3]));
    let known = |((n, known), _): &(&(u8, &'static str), &Reply)| {
        *n == server.octets()[3] && *known == name
    };
    let reply = world.replies.iter().find(known).map_or(NO_SUCH_NAME, |(_, reply)| reply.clone());
    let (code, too_long, records) = match reply {
        Reply::Records(records) => (0, false, records),
        Reply::Code(code) => (code, false, Vec::new()),
        Reply::TooLong(records) if tcp => (0, false, records),
        Reply::TooLong(_) => (0, true, Vec::new()),
        Reply::Nonsense => return Some(question[..2].iter().copied().chain([255; 30]).collect()),
        Reply::Silence => return None,
    };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81 | if too_long { 2 } else { 0 }, 0x80 | code, 0, 1]);
    answer.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(&question[12..end]);
    for record in &records {
        write(record, &mut answer);
    }
    Some(answer)
}

/// A record of the name that was asked for, in class 1, for 60 seconds.
fn write(record: &Record, answer: &mut Vec<u8>) {
    let (kind, data) = match record {
        Record::A(ip) => (1u16, ip.octets().to_vec()),
        Record::Ns(name) => (2, encoded(name)),
        Record::Cname(name) => (5, encoded(name)),
        Record::Mx(name) => (15, [vec![0, 10], encoded(name)].concat()),
        Record::Aaaa(ip) => (28, ip.octets().to_vec()),
        Record::Srv(name, port) => {
            let numbers = vec![0, 1, 0, 2];
            (33, [numbers, port.to_be_bytes().to_vec(), encoded(name)].concat())
        }
    };
    answer.extend([0xc0, 12]);
    answer.extend(kind.to_be_bytes());
    answer.extend([0, 1, 0, 0, 0, 60]);
    answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    answer.extend(data);
}

fn encoded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len().try_into().unwrap());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}
