//! Addresses in the AWS console; empty in a partition whose console is not known.

use url::form_urlencoded::byte_serialize;

use crate::job::Realm;

/// The page of EMR Serverless, which leads to an EMR Studio. The page of the job run itself is there, at an address of that
/// Studio's own: the service does not tell which Studio it is, but for an hour and to whoever may see the dashboard
/// ([`GetDashboardForJobRun`](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_GetDashboardForJobRun.html)).
pub fn emr_serverless(realm: &Realm) -> String {
    page(realm, |region| format!("emr/home?region={region}#/serverless"))
}

/// The folder at `uri`; empty where that is not in S3.
pub fn s3_folder(realm: &Realm, uri: &str) -> String {
    let Some((bucket, prefix)) = uri.strip_prefix("s3://").and_then(|path| path.split_once('/')) else {
        return String::new();
    };
    page(realm, |region| format!("s3/buckets/{}?region={region}&prefix={}", encoded(bucket), encoded(prefix)))
}

/// The streams in a log group whose names begin with `prefix`.
pub fn log_streams(realm: &Realm, group: &str, prefix: &str) -> String {
    // What stands behind the number sign is encoded twice, the second time with a dollar sign.
    let encoded = |text: &str| encoded(text).replace('%', "$25");
    let view = format!("{}$3FlogStreamNameFilter$3D{}", encoded(group), encoded(prefix));
    page(realm, |region| format!("cloudwatch/home?region={region}#logsV2:log-groups/log-group/{view}"))
}

fn page(realm: &Realm, path: impl Fn(&str) -> String) -> String {
    // https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
    let domain = match realm.partition.as_str() {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        "aws-eusc" => "console.amazonaws-eusc.eu",
        _ => return String::new(),
    };
    format!("https://{}.{domain}/{}", realm.region, path(&realm.region))
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(partition: &str, region: &str) -> Realm {
        Realm { partition: partition.to_owned(), region: region.to_owned(), account: "123456789012".to_owned() }
    }

    #[test]
    fn every_partition_has_its_console() {
        for (partition, region, page) in [
            ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/serverless"),
            ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/emr/home?region=cn-north-1#/serverless"),
            (
                "aws-us-gov",
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/emr/home?region=us-gov-west-1#/serverless",
            ),
            ("aws-iso", "us-iso-east-1", ""),
        ] {
            assert_eq!(emr_serverless(&realm(partition, region)), page);
        }
    }

    #[test]
    fn a_folder_is_shown_where_it_is_in_s3() {
        let folder = |uri| s3_folder(&realm("aws", "eu-west-1"), uri);
        assert_eq!(
            folder("s3://logs/a b/c/"),
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/logs?region=eu-west-1&prefix=a%20b%2Fc%2F"
        );
        assert_eq!((folder("file:///tmp/"), folder("s3://logs")), (String::new(), String::new()));
    }

    #[test]
    fn the_streams_of_a_group_are_filtered() {
        assert_eq!(
            log_streams(&realm("aws", "eu-west-1"), "/aws/emr-serverless", "/applications/a"),
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/\
             $252Faws$252Femr-serverless$3FlogStreamNameFilter$3D$252Fapplications$252Fa"
        );
    }
}
