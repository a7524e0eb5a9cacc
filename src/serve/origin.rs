//! Origins of web pages that may read the answers of the service.

use std::{fmt, str::FromStr};

use axum::http::HeaderValue;

/// Origin of a web page, such as `https://example.org`, or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Pages from anywhere.
    Any,
    /// Pages of one scheme, host and port, as browsers write them in their `Origin` header.
    One(String),
}

impl Origin {
    /// The origin as the `Origin` header has it; none for any.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::Any => None,
            Self::One(origin) => HeaderValue::from_str(origin).ok(),
        }
    }
}

impl FromStr for Origin {
    type Err = String;

    /// Parses `*` or `SCHEME://HOST[:PORT]`. Letters become lower case and a scheme's usual port is left out, as browsers
    /// do.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let expected = || format!("found `{text}`, expected an origin such as https://example.org:8443, or `*`");
        let lower = text.to_ascii_lowercase();
        let (scheme, authority) = lower.split_once("://").ok_or_else(expected)?;
        if authority.contains('/') {
            return Err(format!("{}; an origin has no path and no `/` at its end", expected()));
        }
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        // The port is what follows the last colon that is not inside the brackets of an address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match is_address {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        };
        let number = port.map(|port| port.parse::<u16>().map_err(|_| expected())).transpose()?;
        if !is_scheme || !is_host {
            return Err(expected());
        }
        let usual = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Ok(Self::One(match number.filter(|_| number != usual) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("*"),
            Self::One(origin) => formatter.write_str(origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn origins_become_what_browsers_send_and_anything_else_is_refused() {
        for (text, expected) in [
            ("*", "*"),
            ("https://example.org", "https://example.org"),
            ("HTTPS://Example.org:443", "https://example.org"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:443", "http://localhost:443"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
            ("tauri://localhost", "tauri://localhost"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "null",
            "example.org",
            "https://",
            "https://example.org/",
            "https://example.org/page",
            "https://user@example.org",
            "https://example.org:port",
            "https://example.org:65536",
            "https://*.example.org",
            "https://example.org, https://example.com",
            "://example.org",
            "1s://example.org",
            "http://[::1",
            "http://ex\r\nample.org",
        ] {
            let problem = text.parse::<Origin>().unwrap_err();
            assert!(
                problem.contains(&format!("found `{text}`")) && problem.contains("https://example.org"),
                "{problem}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_origin_that_is_accepted_is_its_own_parse_and_a_header(text in "[a-z]{1,6}://[a-zA-Z0-9.:\\[\\]-]{0,20}|.{0,40}") {
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.to_string().parse::<Origin>(), Ok(origin.clone()));
                prop_assert_eq!(origin.header().is_none(), origin == Origin::Any);
            }
        }
    }
}
