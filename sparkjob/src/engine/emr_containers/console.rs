//! Addresses of AWS's console.

use crate::job::Realm;

/// The console's page of a virtual cluster, with its job runs; none in a partition whose console is not known.
pub fn virtual_cluster(realm: &Realm, cluster: &str) -> Option<String> {
    let region = &realm.region;
    Some(format!("https://{}/emr/home?region={region}#/eks/clusters/{cluster}", host(realm)?))
}

/// The console's page of what is in a bucket below `prefix`.
pub fn folder(realm: &Realm, bucket: &str, prefix: &str) -> Option<String> {
    Some(format!("https://{}/s3/buckets/{}?prefix={}", host(realm)?, escaped(bucket), escaped(prefix)))
}

/// The console's page of those streams of a log group that begin with `prefix`.
pub fn log_streams(realm: &Realm, group: &str, prefix: &str) -> Option<String> {
    // The page's own address stands behind the number sign, escaped once more, with dollars for percent signs.
    let twice = |text: &str| escaped(&escaped(text).replace('/', "%2F")).replace('%', "$");
    let region = &realm.region;
    Some(format!(
        "https://{}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{}$3FlogStreamNameFilter$3D{}",
        host(realm)?,
        twice(group),
        twice(prefix)
    ))
}

/// Where a region's console is.
fn host(realm: &Realm) -> Option<String> {
    let domain = match realm.partition.as_str() {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => return None,
    };
    Some(format!("{}.{domain}", realm.region))
}

/// `text` as a part of an address, slashes as they are.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(partition: &str, region: &str) -> Realm {
        Realm { partition: partition.to_owned(), region: region.to_owned(), account: "123456789012".to_owned() }
    }

    #[test]
    fn each_partition_has_a_console_of_its_own() {
        for (partition, region, page) in [
            (
                "aws",
                "eu-west-1",
                "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/eks/clusters/vc1",
            ),
            (
                "aws-cn",
                "cn-north-1",
                "https://cn-north-1.console.amazonaws.cn/emr/home?region=cn-north-1#/eks/clusters/vc1",
            ),
            (
                "aws-us-gov",
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/emr/home?region=us-gov-west-1#/eks/clusters/vc1",
            ),
        ] {
            assert_eq!(virtual_cluster(&realm(partition, region), "vc1").as_deref(), Some(page));
        }
        let unknown = realm("aws-iso", "us-iso-east-1");
        assert_eq!(virtual_cluster(&unknown, "vc1"), None);
        assert_eq!(folder(&unknown, "b", "p"), None);
        assert_eq!(log_streams(&unknown, "g", "p"), None);
    }

    #[test]
    fn what_means_something_in_an_address_is_escaped() {
        let realm = realm("aws", "eu-west-1");
        let page = folder(&realm, "logs", "a b/\u{e9}&c/").expect("a page");
        assert_eq!(page, "https://eu-west-1.console.aws.amazon.com/s3/buckets/logs?prefix=a%20b/%C3%A9%26c/");
        let page = log_streams(&realm, "/emr/on#eks", "pi/vc1/").expect("a page");
        let address = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1";
        let fragment = "logsV2:log-groups/log-group/$252Femr$252Fon$2523eks$3FlogStreamNameFilter$3Dpi$252Fvc1$252F";
        assert_eq!(page, format!("{address}#{fragment}"));
    }
}
