//! The address of a client, as a column keeps it.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Inet, Nullable};
use ipnet::IpNet;
use std::net::IpAddr;

/// INET also holds networks; a client comes from one address. Public since derives of rows name it, and not exported.
#[derive(Debug)]
pub struct Host(Option<IpAddr>);

impl Queryable<Nullable<Inet>, Pg> for Host {
    type Row = Option<IpNet>;

    fn build(row: Self::Row) -> diesel::deserialize::Result<Self> {
        Ok(Self(row.map(|net| net.addr())))
    }
}

impl From<Host> for Option<IpAddr> {
    fn from(host: Host) -> Self {
        host.0
    }
}

/// An IPv4 address counts as one, however the socket showed it.
pub(crate) fn host(ip: IpAddr) -> IpNet {
    IpNet::from(ip.to_canonical())
}
