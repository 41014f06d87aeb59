//! Pages of AWS's console.

use url::form_urlencoded::byte_serialize;

use crate::job::Realm;

/// The console of a region. Its addresses are empty in a partition whose console is not known.
#[derive(Clone, Copy, Debug)]
pub struct Console<'a> {
    partition: &'a str,
    region: &'a str,
}

impl<'a> Console<'a> {
    /// The one of a region, where nothing tells the partition.
    pub fn of_region(region: &'a str) -> Self {
        Self { partition: partition_of(region), region }
    }

    /// A virtual cluster of EMR on EKS, with its job runs.
    pub fn virtual_cluster(self, id: &str) -> String {
        self.page(|region| format!("emr/home?region={region}#/eks/clusters/{id}"))
    }

    /// EMR Serverless, which leads to an EMR Studio. The page of a job run is there, at an address of that Studio's own: the
    /// service does not tell which Studio it is, but for an hour and to whoever may see the dashboard
    /// ([`GetDashboardForJobRun`](https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_GetDashboardForJobRun.html)).
    pub fn emr_serverless(self) -> String {
        self.page(|region| format!("emr/home?region={region}#/serverless"))
    }

    /// A cluster of EMR on EC2.
    pub fn cluster(self, id: &str) -> String {
        self.page(|region| format!("emr/home?region={region}#/clusterDetails/{id}"))
    }

    /// What is below `uri`; empty where that is not in S3.
    pub fn s3_folder(self, uri: &str) -> String {
        let Some((bucket, prefix)) = uri.strip_prefix("s3://").and_then(|path| path.split_once('/')) else {
            return String::new();
        };
        self.page(|region| format!("s3/buckets/{}?region={region}&prefix={}", escaped(bucket), escaped(prefix)))
    }

    /// The streams of a log group whose names begin with `prefix`.
    pub fn log_streams(self, group: &str, prefix: &str) -> String {
        // The page's own address stands behind the number sign, escaped once more, with dollars for percent signs.
        let twice = |text: &str| escaped(text).replace('%', "$25");
        let view = format!("{}$3FlogStreamNameFilter$3D{}", twice(group), twice(prefix));
        self.page(|region| format!("cloudwatch/home?region={region}#logsV2:log-groups/log-group/{view}"))
    }

    fn page(self, path: impl Fn(&str) -> String) -> String {
        // https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
        let domain = match self.partition {
            "aws" => "console.aws.amazon.com",
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            "aws-eusc" => "console.amazonaws-eusc.eu",
            _ => return String::new(),
        };
        format!("https://{}.{domain}/{}", self.region, path(self.region))
    }
}

impl<'a> From<&'a Realm> for Console<'a> {
    fn from(realm: &'a Realm) -> Self {
        Self { partition: &realm.partition, region: &realm.region }
    }
}

/// The partition that a region is in, by the beginning of its name.
pub fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
    ];
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// `text` as a part of an address.
fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IRELAND: Console = Console { partition: "aws", region: "eu-west-1" };

    #[test]
    fn every_partition_has_its_console() {
        for (region, page) in [
            ("eu-west-1", "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/serverless"),
            ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/emr/home?region=cn-north-1#/serverless"),
            (
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/emr/home?region=us-gov-west-1#/serverless",
            ),
            ("us-iso-east-1", ""),
        ] {
            assert_eq!(Console::of_region(region).emr_serverless(), page);
            let (partition, region) = (partition_of(region).to_owned(), region.to_owned());
            let realm = Realm { partition, region, account: "123456789012".to_owned() };
            assert_eq!(Console::from(&realm).emr_serverless(), page);
        }
    }

    #[test]
    fn every_page_has_its_address() {
        let emr = "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#";
        assert_eq!(IRELAND.virtual_cluster("vc1"), format!("{emr}/eks/clusters/vc1"));
        assert_eq!(IRELAND.cluster("j-1"), format!("{emr}/clusterDetails/j-1"));
    }

    #[test]
    fn a_folder_is_shown_where_it_is_in_s3() {
        assert_eq!(
            IRELAND.s3_folder("s3://logs/a b/\u{e9}&c/"),
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/logs?region=eu-west-1&prefix=a%20b%2F%C3%A9%26c%2F"
        );
        assert_eq!((IRELAND.s3_folder("file:///tmp/"), IRELAND.s3_folder("s3://logs")), (String::new(), String::new()));
    }

    #[test]
    fn the_streams_of_a_group_are_filtered() {
        assert_eq!(
            IRELAND.log_streams("/emr/on#eks", "pi/vc1/"),
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/\
             $252Femr$252Fon$2523eks$3FlogStreamNameFilter$3Dpi$252Fvc1$252F"
        );
    }
}
