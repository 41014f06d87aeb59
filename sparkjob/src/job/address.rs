//! Addresses of servers.

use url::Url;

/// Reads an address whose host is in ASCII.
///
/// The parser is built [without the tables](https://docs.rs/crate/idna_adapter/latest) that other hosts need: they would be a
/// fiftieth of the Lambda's zip.
///
/// # Errors
/// What is wrong, as a remark that holds no part of the address.
pub fn parse_address(text: &str) -> Result<Url, String> {
    if has_plain_host(text) {
        Url::parse(text).map_err(|error| error.to_string())
    } else {
        Err("a host is written in ASCII, others in their xn-- form".to_owned())
    }
}

/// Whether the host has neither letters beyond ASCII nor any that are escaped. It lies between the scheme with its slashes,
/// [of either kind and any number](https://url.spec.whatwg.org/#special-authority-ignore-slashes-state), and the path.
fn has_plain_host(text: &str) -> bool {
    let (_, rest) = text.split_once(':').unwrap_or(("", text));
    let rest = rest.trim_start_matches(|c: char| matches!(c, '/' | '\\') || c.is_whitespace());
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    authority.bytes().all(|byte| byte.is_ascii() && byte != b'%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_host_is_in_ascii_and_a_path_in_anything() {
        for plain in ["http://emr", "http://EMR:80/\u{fc}?\u{fc}", "https://xn--bcher-kva/", "https://[fe80::1]/%C3"] {
            assert!(parse_address(plain).is_ok(), "{plain}");
        }
        for other in ["http://B\u{fc}cher", "http://%C3%9CA/", "http:\\\\\\A%c3%9c", "https:\t/\u{dc}A/"] {
            assert_eq!(parse_address(other), Err("a host is written in ASCII, others in their xn-- form".to_owned()));
        }
    }

    proptest! {
        /// The parser without tables has an assertion on them.
        #[test]
        fn whatever_it_is_the_parser_is_not_surprised(text in "(https?:)?[/\\\\ ]{0,3}[A-Zé%C39@:.\t]{0,8}[/?#]?\\PC{0,4}") {
            _ = parse_address(&text);
        }
    }
}
