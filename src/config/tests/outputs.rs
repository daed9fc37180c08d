//! Which outputs settings and environment come to.

use std::num::NonZeroUsize;

use super::*;

/// What each output of these settings is, as messages call it.
fn outputs_in(text: &str, variables: &[(&'static str, &'static str)]) -> Vec<String> {
    let config = read_in(text, variables);
    assert_eq!(problems(&config), [""; 0], "{text} {variables:?}");
    config.global.outputs.iter().map(ToString::to_string).collect()
}

#[test]
fn dogstatsd_is_found_where_its_clients_find_it() {
    let cases: [(&[(&'static str, &'static str)], &str); 11] = [
        (&[("DD_AGENT_HOST", "agent")], "the DogStatsD listener at udp://agent:8125"),
        (&[("DD_AGENT_HOST", "agent"), ("DD_DOGSTATSD_PORT", "1")], "the DogStatsD listener at udp://agent:1"),
        (&[("DD_AGENT_HOST", "agent"), ("DD_DOGSTATSD_URL", "udp://b:2")], "the DogStatsD listener at udp://b:2"),
        (&[("DD_DOGSTATSD_URL", "udp://[::1]:2")], "the DogStatsD listener at udp://[::1]:2"),
        (&[("DD_DOGSTATSD_URL", "udp://[::1]")], "the DogStatsD listener at udp://[::1]:8125"),
        (&[("DD_DOGSTATSD_URL", "unix:///a/b.sock")], "the DogStatsD listener at unix:///a/b.sock"),
        (&[("DD_DOGSTATSD_URL", "unixgram:///a")], "the DogStatsD listener at unix:///a"),
        (&[("DD_DOGSTATSD_URL", "unixstream:///a")], "the DogStatsD listener at unixstream:///a"),
        (&[("RETRIEVER_OUTPUT", "dogstatsd")], "the DogStatsD listener at udp://127.0.0.1:8125"),
        (&[("DD_DOGSTATSD_URL", "udp://a"), ("RETRIEVER_OUTPUT", "console")], "the console"),
        (&[("DD_DOGSTATSD_URL", "udp://a"), ("DD_DOGSTATSD_DISABLE", "true")], "the console"),
    ];
    for (variables, output) in cases {
        assert_eq!(outputs_in(ONE, variables), [output], "{variables:?}");
    }
}

#[test]
fn a_client_of_dogstatsd_says_what_its_environment_says_of_it() {
    let identity = |variables: &[(&'static str, &'static str)]| {
        let variables = [variables, &[("DD_AGENT_HOST", "agent")]].concat();
        let config = read_in(ONE, &variables);
        let [Output::Dogstatsd(settings)] = &config.global.outputs[..] else { panic!("{:?}", config.global.outputs) };
        (settings.identity.clone(), problems(&config))
    };
    let nothing = DogstatsdIdentity { detects_origin: true, ..DogstatsdIdentity::default() };
    assert_eq!(identity(&[]), (nothing.clone(), Vec::new()));
    let all = [
        ("DD_ENTITY_ID", "uid"),
        ("DD_SERVICE", "shop"),
        ("DD_VERSION", "1.2"),
        ("DD_EXTERNAL_ENV", "it-false,cn-a,pu-b"),
        ("DATADOG_CARDINALITY", "High"),
        ("DD_ORIGIN_DETECTION_ENABLED", "no"),
    ];
    let expected = DogstatsdIdentity {
        entity_id: Some("uid".into()),
        service: Some("shop".into()),
        version: Some("1.2".into()),
        detects_origin: false,
        external_data: Some("it-false,cn-a,pu-b".into()),
        cardinality: Some(Cardinality::High),
    };
    assert_eq!(identity(&all), (expected, Vec::new()));
    let (identity, problems) = identity(&[("DD_CARDINALITY", "some")]);
    assert_eq!(identity, nothing);
    assert!(problems[0].contains("warning") && problems[0].contains("DD_CARDINALITY"), "{problems:?}");
}

#[test]
fn packets_and_distributions_have_the_size_that_is_wanted() {
    let settings = |text: &str| {
        let config = read(&format!("dogstatsd_url: {text}\n{ONE}"));
        assert_eq!(problems(&config), [""; 0], "{text}");
        let [Output::Dogstatsd(settings)] = &config.global.outputs[..] else { panic!("{:?}", config.global.outputs) };
        (settings.packet_bytes, settings.distribution_values.map(NonZeroUsize::get))
    };
    assert_eq!(settings("udp://a"), (1432, None));
    assert_eq!(settings("unix:///a"), (8192, None));
    assert_eq!(settings("unixstream:///a"), (8192, None));
    assert_eq!(
        settings("udp://a\ndogstatsd_max_packet_size: 8000\ndogstatsd_distribution_values: 20"),
        (8000, Some(20))
    );
    assert_eq!(settings("udp://a\ndogstatsd_distribution_values: 0"), (1432, None));
}

#[test]
fn there_may_be_several_outputs() {
    let addresses = "api_key: a\ndogstatsd_url: udp://a:1\noutput_file: /tmp/m.json\n";
    let all = ["the API at https://api.datadoghq.com", "the DogStatsD listener at udp://a:1", "the console"];
    for outputs in [
        "output: [api, dogstatsd, console, api]",
        "outputs: [api, dogstatsd, console]",
        "outputs:\n- api\n- dogstatsd\n- console",
        "output: api, dogstatsd console",
    ] {
        let config = read(&format!("{addresses}{outputs}\n{ONE}"));
        let shown: Vec<String> = config.global.outputs.iter().map(ToString::to_string).collect();
        assert_eq!(shown, all, "{outputs}");
        let [problem] = &problems(&config)[..] else { panic!("{:?}", problems(&config)) };
        assert!(problem.contains("3:") && problem.contains("warning: `output_file`"), "{problem}");
    }
    let text = format!("{addresses}{ONE}");
    assert_eq!(outputs_in(&text, &[("RETRIEVER_OUTPUT", "file,console")]), ["the file `/tmp/m.json`", "the console"]);
    // None is asked for: the first that there is an address for.
    assert_eq!(outputs_in(&text, &[]), [all[0]]);
    assert_eq!(outputs_in(&format!("output_file: /tmp/m.json\n{ONE}"), &[]), ["the file `/tmp/m.json`"]);
    for (faulty, words) in [
        ("outputs: [file]", "no file is named"),
        ("outputs: [console]\noutput: [console]", "keep one of them"),
        ("console_format: xml", "neither `text` nor `json`"),
    ] {
        let config = read(&format!("{faulty}\n{ONE}"));
        assert!(config.has_errors() && problems(&config)[0].contains(words), "{:?}", problems(&config));
    }
    let config = read(&format!("output_file: /m\noutput: [file, console]\nconsole_format: json\n{ONE}"));
    let file = FileSettings { path: "/m".into(), format: OutputFormat::Json };
    assert_eq!(config.global.outputs, [Output::File(file), Output::Console(OutputFormat::Json)]);
}
