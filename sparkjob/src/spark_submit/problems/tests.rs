use super::*;

/// The problems of a sound block that `change` was made to, with their paths.
fn told(way: Way, change: impl FnOnce(&mut Parameters)) -> Vec<String> {
    let mut parameters = Parameters { file: "s3://b/job.py".to_owned(), ..Parameters::default() };
    change(&mut parameters);
    let path = |spot| match spot {
        Spot::Block => String::new(),
        Spot::Field(field) => format!("{field}: "),
        Spot::Element(field, index) => format!("{field}[{index}]: "),
        Spot::Entry(field, name) => format!("{field}.{name}: "),
    };
    problems(&parameters, way).iter().map(|problem| format!("{}{}", path(problem.spot), problem.text)).collect()
}

const WAYS: [Way; 4] = [Way::EmrOnEks, Way::EmrServerless, Way::ClientStep, Way::ClusterStep];

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn entry(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn what_every_engine_takes_is_no_problem() {
    for way in WAYS {
        let problems = told(way, |block| {
            block.args = texts(&["--date", "2026-01-01", "it's \"so\"", r"C:\", "é", "$HOME", "a;b"]);
            block.environment.extend([entry("A", "a 'b' \"c\" \\ $d `e`")]);
            block.configuration.extend([entry("spark.executor.extraJavaOptions", "-Da=b -Dc={d}")]);
            block.name = Some("Täglich".to_owned());
        });
        assert_eq!(problems, Vec::<String>::new(), "{way:?}");
    }
}

#[test]
fn queue_and_proxy_user_are_for_yarn() {
    let set = |block: &mut Parameters| {
        block.queue = Some("etl".to_owned());
        block.proxy_user = Some("alice".to_owned());
    };
    for way in [Way::EmrOnEks, Way::EmrServerless] {
        let engine = way.engine();
        let expected = [
            format!("Queue: not possible on {engine}: a queue is YARN's"),
            format!("ProxyUser: not possible on {engine}, where a job runs as its execution role"),
        ];
        assert_eq!(told(way, set), expected);
    }
    assert_eq!(told(Way::ClientStep, set), Vec::<String>::new());
    assert_eq!(told(Way::ClusterStep, set), Vec::<String>::new());
}

#[test]
fn an_entry_point_has_a_longest() {
    for (way, most) in [(Way::EmrOnEks, 256), (Way::EmrServerless, 4096)] {
        let of = |length: usize| told(way, |block| block.file = format!("s3://b/{}", "é".repeat(length - 7)));
        assert_eq!(of(most), Vec::<String>::new());
        let engine = way.engine();
        assert_eq!(of(most + 1), [format!("File: must be at most {most} characters on {engine}, got {}", most + 1)]);
    }
}

#[test]
fn arguments_are_held_against_what_each_engine_takes() {
    let args = |way, args: &[&str]| told(way, |block| block.args = texts(args));
    let eks = "on EMR on EKS";
    assert_eq!(
        args(Way::EmrOnEks, &["", " ", "a\nb", "f(x)", "a", r#"{"a": [1]}"#]),
        [
            format!("Args[0]: must not be empty or blank {eks}"),
            format!("Args[1]: must not be empty or blank {eks}"),
            format!("Args[2]: must not hold line breaks {eks}"),
            format!("Args[3]: must not hold brackets or parentheses {eks}"),
            format!("Args[5]: must not hold brackets or parentheses {eks}"),
        ]
    );
    let long = "a".repeat(10_281);
    assert_eq!(args(Way::EmrOnEks, &[&long]), [format!("Args[0]: must be at most 10280 characters {eks}, got 10281")]);
    assert_eq!(args(Way::EmrServerless, &["", " ", "a\nb", "f(x)", &long]), Vec::<String>::new());
    let dropped = "Args[1]: must not be empty on EMR steps: command-runner.jar drops empty arguments";
    let marks =
        "Args[3]: must not hold {{ or }} with DeployMode cluster, as YARN takes them for marks of its own variables";
    let given = ["a\nb", "", " ", r#"{"a": {"b": 1}}"#];
    assert_eq!(args(Way::ClientStep, &given), [dropped]);
    assert_eq!(args(Way::ClusterStep, &given), [dropped, marks]);
}

#[test]
fn arguments_are_counted_on_serverless() {
    let count = |count| told(Way::EmrServerless, |block| block.args = vec!["a".to_owned(); count]);
    assert_eq!(count(1024), Vec::<String>::new());
    assert_eq!(count(1025), ["Args: must be at most 1024 on EMR Serverless, got 1025"]);
}

#[test]
fn line_breaks_do_not_come_through_parameters() {
    let set = |block: &mut Parameters| {
        block.files = texts(&["/a", "/b\u{2028}"]);
        block.environment.extend([entry("KEY", "-----BEGIN\nhunter2")]);
        block.configuration.extend([entry("spark.a", "b\r")]);
    };
    for way in [Way::EmrOnEks, Way::EmrServerless] {
        let spots = ["Files[1]", "Environment.KEY", "Configuration.spark.a"];
        let expected = spots.map(|spot| format!("{spot}: must not hold line breaks on {}", way.engine()));
        assert_eq!(told(way, set), expected);
    }
    assert_eq!(told(Way::ClientStep, set), Vec::<String>::new());
}

#[test]
fn a_step_holds_what_xml_holds() {
    let problems = told(Way::ClientStep, |block| {
        block.args = texts(&["\t\r\n😀\u{7f}\u{fffd}", "\u{1}"]);
        block.configuration.extend([entry("spark.a", "\u{ffff}")]);
    });
    let rule = "must not hold control characters, but tabs and line breaks, on EMR steps";
    assert_eq!(problems, [format!("Args[1]: {rule}"), format!("Configuration.spark.a: {rule}")]);
}

#[test]
fn the_deploy_mode_of_a_step_is_said_in_one_place() {
    let set = |block: &mut Parameters| block.configuration.extend([entry("spark.submit.deployMode", "cluster")]);
    for way in [Way::ClientStep, Way::ClusterStep] {
        assert_eq!(
            told(way, set),
            ["Configuration.spark.submit.deployMode: not possible on EMR steps, where DeployMode says it"]
        );
    }
    assert_eq!(told(Way::EmrServerless, set), Vec::<String>::new());
}

#[test]
fn the_parameters_as_they_are_quoted_have_a_longest() {
    for (way, splitter) in [(Way::EmrOnEks, Splitter::EmrOnEks), (Way::EmrServerless, Splitter::EmrServerless)] {
        let of = |length: usize| {
            let set = |block: &mut Parameters| {
                block.environment.extend([entry("A", "x")]);
                block.configuration.extend([entry("spark.a", &" ".repeat(length))]);
            };
            let mut block = Parameters { file: "s3://b/job.py".to_owned(), ..Parameters::default() };
            set(&mut block);
            let whole = join(&Invocation::of(&block, &"n".repeat(64), way).parameters, splitter);
            (whole.len(), told(way, set))
        };
        let (rest, _) = of(0);
        // An empty text needs no quotes on its own.
        let quotes = of(1).0 - rest - 1;
        let most = 102_400 - rest - quotes;
        assert_eq!(of(most), (102_400, vec![]));
        let fault = format!(
            "must be at most 102400 characters on {} without File and Args, got 102401; \
             Configuration is the longest: put what is large into a file of its own or, of Configuration, into ConfigurationOverrides",
            way.engine()
        );
        assert_eq!(of(most + 1), (102_401, vec![fault]));
    }
}

#[test]
fn the_texts_of_a_step_have_a_longest_together() {
    for way in [Way::ClientStep, Way::ClusterStep] {
        let of = |length: usize| {
            let set = |block: &mut Parameters| {
                block.args = vec!["é".repeat(length / 2), "é".repeat(length - length / 2)];
                block.jars = texts(&["s3://b/a.jar"]);
            };
            let mut block = Parameters { file: "s3://b/job.py".to_owned(), ..Parameters::default() };
            set(&mut block);
            let name = "n".repeat(64);
            let words = Invocation::of(&block, &name, way).command();
            let words = command::tagged(&words, &command::marked_tag(&name, 0));
            (words.concat().chars().count() + "command-runner.jar".len(), told(way, set))
        };
        let most = 10_240 - of(2).0 + 2;
        assert_eq!(of(most), (10_240, vec![]));
        let fault = "must make a step of at most 10240 characters, makes 10241; \
                     Args is the longest: put what is large into a file of its own";
        assert_eq!(of(most + 1), (10_241, vec![fault.to_owned()]));
    }
}

#[test]
fn the_longest_field_is_told_by_all_that_it_holds() {
    let problems = told(Way::EmrServerless, |block| {
        block.args = vec!["a".repeat(200_000)];
        block.jars = vec!["s3://b/a.jar".to_owned(); 4000];
        block.environment.extend([entry("A", &"a".repeat(40_000))]);
        block.configuration.extend((0..5000).map(|index| entry(&format!("spark.property{index}"), "a")));
    });
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("; Configuration is the longest: "), "{}", problems[0]);
}
