//! What is told of real logs. Those in `samples` are the answers of a Livy 0.7.1 with Spark 3.5 for small programs that
//! fail, with most Java frames left out; those of YARN are put together from what its users report.

use proptest::prelude::*;

use super::*;

/// A sample, as the `log` of Livy's answer.
fn sample(text: &str) -> Told {
    let log: Vec<String> = serde_json::from_str(text).expect("a list of lines");
    told(&log, Phase::Failed)
}

fn lines(text: &str, phase: Phase) -> Told {
    let log: Vec<String> = text.lines().map(str::to_owned).collect();
    told(&log, phase)
}

#[test]
fn a_python_exception_of_the_driver_is_told_with_its_users_frames() {
    let told = sample(include_str!("samples/analysis.json"));
    let line = "pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere` \
                cannot be found. Verify the spelling and correctness of the schema and catalog.";
    assert_eq!(told.exception, [line]);
    let tail = [
        "Traceback (most recent call last):",
        "  File \"/jobs/analysis.py\", line 3, in <module>",
        "    s.sql(\"select * from nowhere\").show()",
        "If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the \
         correct schema and catalog.",
        "To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.; line 1 pos 14;",
        "'Project [*]",
        "+- 'UnresolvedRelation [nowhere], [], false",
    ];
    assert_eq!(told.tail, tail);
}

#[test]
fn of_chained_python_exceptions_the_last_comes_first() {
    let told = sample(include_str!("samples/chain.json"));
    assert_eq!(told.exception, ["RuntimeError: while loading", "KeyError: 'a'"]);
}

#[test]
fn a_python_exception_of_a_worker_comes_before_what_spark_makes_of_it() {
    let told = sample(include_str!("samples/worker.json"));
    assert_eq!(told.exception[0], "ZeroDivisionError: division by zero");
    assert!(told.exception[1].starts_with("org.apache.spark.SparkException: Job aborted due to stage failure: Task 1"));
    assert!(told.exception[1].ends_with("org.apache.spark.api.python.PythonException"), "{}", told.exception[1]);
    assert!(told.tail.contains(&"  File \"/jobs/worker.py\", line 3, in <lambda>".to_owned()), "{:#?}", told.tail);

    let told = sample(include_str!("samples/udf.json"));
    assert_eq!(told.exception[0], "ZeroDivisionError: division by zero");
}

#[test]
fn a_java_exception_that_py4j_wraps_comes_before_its_wrapper() {
    let told = sample(include_str!("samples/s3.json"));
    let exception = [
        "org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme \"s3\"",
        "py4j.protocol.Py4JJavaError: An error occurred while calling o30.text.",
    ];
    assert_eq!(told.exception, exception);
    assert!(!told.tail.iter().any(|line| line.contains("org.apache.hadoop.fs.FileSystem.")), "{:#?}", told.tail);
    assert_eq!(sample(include_str!("samples/oom.json")).exception[0], "java.lang.OutOfMemoryError: Java heap space");
}

#[test]
fn what_spark_submit_cannot_begin_is_told_in_its_own_words() {
    assert_eq!(sample(include_str!("samples/nojar.json")).exception, ["Error: Failed to load class com.foo.Bar."]);
    let nofile = "/opt/spark/bin/python: can't open file '/jobs/nothere.py': [Errno 2] No such file or directory";
    assert_eq!(sample(include_str!("samples/nofile.json")).exception, [nofile]);
    let unresolved =
        "Exception in thread \"main\" java.lang.RuntimeException: [unresolved dependency: no.such#thing;1: not found]";
    assert_eq!(sample(include_str!("samples/pkg.json")).exception[0], unresolved);
    assert_eq!(sample(include_str!("samples/badmem.json")).tail, ["Invalid maximum heap size: -Xmxxx"]);
}

#[test]
fn the_text_of_a_system_exit_is_told_where_there_is_no_exception() {
    let told = sample(include_str!("samples/exit.json"));
    assert_eq!(told, Told { exception: vec!["the last it said: no input found".to_owned()], tail: vec![] });
}

#[test]
fn of_a_java_exception_the_head_comes_first_and_then_its_root() {
    let log = "\
Exception in thread \"main\" java.nio.file.AccessDeniedException: s3a://orders/2026: getFileStatus on s3a://orders/2026: Forbidden
\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:255)
Caused by: java.util.concurrent.ExecutionException: a step on the way
\tat java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
Caused by: com.amazonaws.services.s3.model.AmazonS3Exception: Access Denied (Service: Amazon S3; Status Code: 403)
\tat com.amazonaws.http.AmazonHttpClient.execute(AmazonHttpClient.java:1879)
\t... 12 more
26/11/21 07:00:00 INFO ShutdownHookManager: Shutdown hook called";
    let told = lines(log, Phase::Failed);
    let firsts: Vec<&str> = told.exception.iter().map(|line| &line[..20]).collect();
    assert_eq!(firsts, ["Exception in thread ", "Caused by: com.amazo", "Caused by: java.util"]);
    assert!(told.tail.is_empty(), "{:#?}", told.tail);
}

#[test]
fn what_yarn_says_of_a_failed_application_is_told() {
    let log = "\
stdout: 
26/11/21 07:00:00 INFO Client: Application report for application_1_0001 (state: ACCEPTED)

stderr: 

YARN Diagnostics: 
Application application_1_0001 failed 2 times due to AM Container for appattempt_1_0001_000002 exited with  exitCode: 13
Failing this attempt.Diagnostics: [2026-11-21 07:00:09.000]Exception from container-launch.
For more detailed output, check the application tracking page: http://rm:8088/cluster/app/application_1_0001";
    let told = lines(log, Phase::Failed);
    assert!(told.exception.iter().any(|line| line.contains("exited with  exitCode: 13")), "{told:#?}");
    // While it waits in its queue, the same lines are no error.
    let told = lines(log, Phase::Waiting);
    assert_eq!((told.exception.len(), told.tail.len()), (0, 4));
}

#[test]
fn the_users_exception_comes_before_what_yarn_and_spark_submit_make_of_it() {
    let log = "\
26/11/21 07:00:00 ERROR Client: Application diagnostics message: User class threw exception: java.lang.IllegalStateException: no orders
Exception in thread \"main\" org.apache.spark.SparkException: Application application_1_0001 finished with failed status
\tat org.apache.spark.deploy.yarn.Client.run(Client.scala:1309)";
    let told = lines(log, Phase::Failed);
    assert!(told.exception[0].contains("IllegalStateException: no orders"), "{told:#?}");
}

#[test]
fn memory_that_ran_out_comes_before_everything_else() {
    let log = "\
26/11/21 07:00:00 WARN TaskSetManager: Lost task 0.0 in stage 0.0 (TID 0) (ip-10-0-0-5 executor 1): ExecutorLostFailure (executor 1 exited) Reason: Container marked as failed. Exit status: 137. Diagnostics: Killed by external signal
Exception in thread \"main\" org.apache.spark.SparkException: Job aborted due to stage failure";
    let told = lines(log, Phase::Failed);
    assert!(told.exception[0].contains("Exit status: 137"), "{told:#?}");
}

#[test]
fn a_job_that_waits_in_its_queue_says_so_once() {
    let log = "\
26/11/21 07:00:00 INFO Client: Application report for application_1_0001 (state: ACCEPTED)
26/11/21 07:00:01 INFO Client: Application report for application_1_0001 (state: ACCEPTED)
26/11/21 07:00:02 INFO Client: Application report for application_1_0001 (state: ACCEPTED)";
    let told = lines(log, Phase::Waiting);
    let last = "26/11/21 07:00:02 INFO Client: Application report for application_1_0001 (state: ACCEPTED)";
    assert_eq!(told, Told { exception: vec![], tail: vec![last.to_owned()] });
}

#[test]
fn log4js_errors_are_told_only_where_there_is_nothing_better() {
    let error = "26/11/21 07:00:00 ERROR SparkContext: could not bind";
    assert_eq!(lines(error, Phase::Failed).exception, [error]);
    let told = lines(&format!("{error}\njava.net.BindException: in use"), Phase::Failed);
    assert_eq!(told.exception, ["java.net.BindException: in use"]);
    assert_eq!(told.tail, [error]);
}

/// As many as an answer may hold, each of which is compared with all others.
#[test]
fn of_a_log_without_end_the_last_lines_are_told() {
    let log: Vec<String> = (0..1_000_000).map(|number| format!("AnError: {number}")).collect();
    for log in [vec![log.join("\n")], log] {
        let told = told(&log, Phase::Failed);
        assert_eq!(told.exception.first().map(String::as_str), Some("AnError: 999999"));
    }
}

proptest! {
    #[test]
    fn any_log_is_told_within_bounds(
        log in prop::collection::vec(
            prop_oneof![
                "\\PC{0,600}",
                "(\\s{0,4}|: |Caused by: |Exception in thread \"main\" |26/11/21 07:00:00 ERROR )[a-zA-Z.]{0,20}(Error|Exception)?(: .{0,20})?",
                Just("Traceback (most recent call last):".to_owned()),
                Just("py4j.protocol.Py4JJavaError: An error occurred".to_owned()),
                Just("\nYARN Diagnostics: ".to_owned()),
            ],
            0..60,
        ),
        failed: bool,
    ) {
        let told = told(&log, if failed { Phase::Failed } else { Phase::Running });
        prop_assert!(told.exception.len() <= MAX_EXCEPTION && told.tail.len() <= MAX_TAIL);
        for line in told.exception.iter().chain(&told.tail) {
            prop_assert!(!line.trim().is_empty() && line.chars().count() <= MAX_LINE && !line.contains('\n'));
        }
    }
}
