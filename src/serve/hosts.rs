//! Names by which requests may address the service: the guard against DNS rebinding.
//!
//! A page of another origin can make a browser send requests to this service by a DNS name of its own that resolves to
//! the address of the service. Such a name is in the `Host` header, so that it is enough to accept known names there.

use std::net::IpAddr;

/// Accepted hosts.
pub(super) struct Hosts {
    /// True if the service listens on a loopback address, which no other address than such a one leads to.
    loopback: bool,
    /// Further names, in lower case.
    names: Vec<String>,
    any: bool,
}

impl Hosts {
    /// Hosts of a service that listens on `address`: `localhost`, addresses (on a loopback address, loopback addresses
    /// only), and `names`, of which `*` stands for any.
    pub(super) fn new(address: IpAddr, names: &[String]) -> Self {
        Self {
            loopback: address.to_canonical().is_loopback(),
            names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
            any: names.iter().any(|name| name == "*"),
        }
    }

    /// True for a host, with or without a port, by which requests may address the service.
    pub(super) fn accepts(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else { return false };
        let name = name.to_ascii_lowercase();
        match name.parse::<IpAddr>() {
            Ok(address) if !self.loopback || address.is_loopback() => true,
            _ => self.any || name == "localhost" || self.names.contains(&name),
        }
    }

    /// True if a request of HTTP/1.0 may name no host. No browser sends one.
    pub(super) fn accepts_none(&self) -> bool {
        !self.loopback
    }

    /// What is accepted, for messages.
    pub(super) fn expected(&self) -> String {
        let addresses = if self.loopback { "loopback addresses" } else { "addresses" };
        let names: String = self.names.iter().map(|name| format!(", `{name}`")).collect();
        format!("`localhost`, {addresses}{names}")
    }
}

/// Name or address without its port; none if it is neither.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some(""))?)
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let is_right = (host.starts_with('[') || is_name(name)) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_right.then_some(name)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const MALFORMED: [&str; 9] = [
        "",
        ":80",
        "::",
        "[::1",
        "[::1]example.org",
        "localhost@evil.example",
        "localhost/..",
        "localhost, evil.example",
        "localhost:80:80",
    ];

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn on_a_loopback_address_only_names_of_this_machine_are_accepted() {
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let hosts = Hosts::new(address, &[]);
            let own =
                ["localhost", "LocalHost:8028", "127.0.0.1", "127.0.0.1:80", "127.8.8.8:1", "[::1]", "[::1]:8028"];
            assert!(own.iter().all(|host| hosts.accepts(host)));
            let others = ["example.org", "localhost.example.org", "127.0.0.1.example.org:80", "192.168.0.1:8028"];
            assert!(!others.iter().chain(&["[::2]:1"]).chain(&MALFORMED).any(|host| hosts.accepts(host)));
        }
    }

    #[test]
    fn elsewhere_addresses_are_accepted_and_names_only_from_the_list() {
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let hosts = Hosts::new(everywhere, &names(&["Digits.example"]));
        for host in ["localhost:1", "192.168.0.1:8028", "[2001:db8::1]:80", "digits.example", "DIGITS.example:443"] {
            assert!(hosts.accepts(host), "{host}");
        }
        for host in ["evil.example", "digits.example.evil.example", "www.digits.example", "*"] {
            assert!(!hosts.accepts(host), "{host}");
        }
        assert!(!Hosts::new(everywhere, &[]).accepts("digits.example") && hosts.accepts_none());
        let any = Hosts::new(everywhere, &names(&["*"]));
        assert!(any.accepts("evil.example:80") && !MALFORMED.iter().any(|host| any.accepts(host)));
    }
}
