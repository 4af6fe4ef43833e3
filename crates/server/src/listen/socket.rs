//! Listening sockets.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// Connections wait in the kernel until one of ours ends.
const BACKLOG: i32 = 1024;

/// Opens all sockets, or none.
pub(crate) fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    addresses.iter().map(|address| bind_one(*address)).collect()
}

/// Opens a socket; `[::]` takes both families, or the old one where there is no other.
fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let any_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    match open(address) {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && no_such_family(&error) => {
            open(any_v4).map_err(named)
        }
        opened => opened.map_err(named),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Whether a kernel without IPv6 said so.
fn no_such_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let without = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| without.contains(&code))
}
