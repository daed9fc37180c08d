//! Settings as users write them, and what is said of them.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::*;

mod outputs;
mod tls;

/// An environment and files that are made up.
#[derive(Default)]
struct Made {
    variables: HashMap<&'static str, &'static str>,
    files: HashMap<&'static str, &'static str>,
}

impl Surroundings for Made {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(ToString::to_string)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let content = path.to_str().and_then(|path| self.files.get(path));
        content.map(ToString::to_string).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn read(text: &str) -> Config {
    Config::read(text, "conf.yaml", &Made::default())
}

fn read_in(text: &str, variables: &[(&'static str, &'static str)]) -> Config {
    let made = Made { variables: variables.iter().copied().collect(), ..Made::default() };
    Config::read(text, "conf.yaml", &made)
}

/// A file with one instance that has these lines besides its endpoint, which stand from line 3 on.
fn with_options(options: &str) -> Config {
    let indented = options.replace('\n', "\n    ");
    read(&format!("instances:\n  - openmetrics_endpoint: http://localhost:9100/metrics\n    {indented}\n"))
}

fn problems(config: &Config) -> Vec<String> {
    config.problems.iter().map(ToString::to_string).collect()
}

fn instance(config: &Config) -> &Instance {
    match &config.instances[0] {
        ConfiguredInstance::Valid(instance) => instance,
        ConfiguredInstance::Invalid { errors, .. } => panic!("{errors:?}"),
    }
}

#[test]
fn a_file_of_the_agent_reads_without_a_word() {
    let config = read(
        "init_config:\n  timeout: 3\n  service: shop\ninstances:\n  - openmetrics_endpoint: http://localhost:9100/metrics\n\
         \x20   namespace: node\n    metrics:\n      - node_load1: load.one\n      - ^node_memory\n      - up:\n          type: gauge\n\
         \x20   tags: [a:b]\n    tls_verify: no\n",
    );
    assert_eq!(problems(&config), [""; 0]);
    let instance = instance(&config);
    assert_eq!(instance.namespace, "node");
    assert_eq!(instance.http.read_timeout.as_secs(), 3);
    assert_eq!(instance.service.as_deref(), Some("shop"));
    assert!(!instance.http.tls.verify);
    assert_eq!(instance.min_collection_interval.as_secs(), 15);
    let rules: Vec<_> =
        instance.metrics.iter().map(|rule| (rule.matcher.as_str(), rule.name.as_str(), &rule.transformer)).collect();
    assert_eq!(
        rules,
        [
            ("node_load1", "load.one", &Transformer::Native),
            ("^node_memory", "^node_memory", &Transformer::Native),
            ("up", "up", &Transformer::Gauge),
        ]
    );
    assert_eq!(config.global.outputs, [Output::Console(OutputFormat::Text)]);
}

#[test]
fn every_problem_is_told_with_its_place() {
    let config = read(
        "instances:\n  - openmetrics_endpoint: 5\n    metrcs: []\n    metrics: [a, 5]\n    namespace: [x]\n  - metrics:\n    - 'a('\n",
    );
    assert_eq!(
        problems(&config),
        [
            "conf.yaml:2:27: error: `openmetrics_endpoint` is the number `5`; expected text",
            "conf.yaml:3:5: warning: instance 1 has no option `metrcs`; did you mean `metrics`?",
            "conf.yaml:4:18: error: entry 2 of `metrics` is the number `5`; expected a metric name or a mapping of names",
            "conf.yaml:5:16: error: `namespace` is a list; expected text",
            "conf.yaml:6:5: error: `openmetrics_endpoint` is missing; expected the URL of the endpoint, for instance \
             `http://localhost:9100/metrics`",
            "conf.yaml:7:7: error: `a(` is not a regular expression: at character 2, the group that begins here never ends; \
             close it with `)`, or write `\\(` for the character itself",
        ]
    );
    assert!(config.instances.iter().all(|instance| matches!(instance, ConfiguredInstance::Invalid { .. })));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let cases = [
        ("instances: [", "conf.yaml:1:12: error: this is not valid YAML: "),
        ("", "conf.yaml:1:1: error: there are no `instances`"),
        ("- a", "conf.yaml:1:1: error: the file is a list; expected a mapping of options"),
        ("instances: {}", "conf.yaml:1:12: error: `instances` is a mapping; expected a list"),
    ];
    for (text, beginning) in cases {
        let problems = problems(&read(text));
        assert!(problems.iter().any(|problem| problem.starts_with(beginning)), "{text}: {problems:?}");
    }
    let missing = Config::load(Path::new("nowhere.yaml"), &Made::default());
    assert!(missing.has_errors());
    assert!(problems(&missing)[0].starts_with("nowhere.yaml: error: the settings cannot be read: "));
}

/// Each option with a value of a wrong kind: an error that names the option, never a panic.
#[test]
fn every_option_refuses_what_it_cannot_be() {
    let wrong = [
        ("metrics: a", "`metrics` is text; expected a list"),
        ("metrics:", "`metrics` is nothing (null); expected a list"),
        ("metrics: [{a: 5}]", "the value of `a` is the number `5`; expected a new name or a mapping"),
        ("metrics: [{a: {type: x}}]", "`a`: there is no type `x`"),
        ("metrics: [{a: {type: gauges}}]", "`a`: there is no type `gauges`; did you mean `gauge`?"),
        ("metrics: [{a: {type: 5}}]", "`a`: the `type` is the number `5`; expected text"),
        ("metrics: [{a: {name: 5}}]", "the `name` of `a` is the number `5`; expected text"),
        ("metrics: [{a: {type: service_check}}]", "`a`: `service_check` needs a `status_map`"),
        (
            "metrics: [{a: {type: service_check, status_map: {x: OK}}}]",
            "a key of the `status_map` is not a whole number",
        ),
        ("metrics: [{a: {type: service_check, status_map: {1: FINE}}}]", "the status of `1` is none of"),
        ("metrics: [{a: {type: temporal_percent}}]", "`temporal_percent` needs a `scale`"),
        ("metrics: [{a: {type: temporal_percent, scale: hour}}]", "the `scale` is `hour`"),
        ("metrics: [{a: {type: temporal_percent, scale: 1.5}}]", "the `scale` is the number `1.5`"),
        ("metrics: [{a: {type: metadata}}]", "`metadata` needs the `label`"),
        ("extra_metrics: {a: b}", "`extra_metrics` is a mapping; expected a list"),
        ("exclude_metrics: [5]", "entry 1 of `exclude_metrics` is the number `5`; expected text"),
        ("exclude_metrics: ['(']", "`(` is not a regular expression"),
        ("exclude_metrics_by_labels: {a: false}", "`exclude_metrics_by_labels` for `a` is the boolean `false`"),
        ("exclude_metrics_by_labels: {a: [x, 5]}", "entry 2 of `exclude_metrics_by_labels` for `a` is the number `5`"),
        ("exclude_labels: a", "`exclude_labels` is text; expected a list"),
        ("include_labels: [a, 5]", "entry 2 of `include_labels` is the number `5`"),
        ("rename_labels: {a: 5}", "the new name of `a` in `rename_labels` is the number `5`"),
        ("tags: a:b", "`tags` is text; expected a list"),
        ("tags: [5]", "entry 1 of `tags` is the number `5`"),
        ("raw_line_filters: [5]", "entry 1 of `raw_line_filters` is the number `5`"),
        ("hostname_label: h\nhostname_format: x", "`hostname_format` lacks `<HOSTNAME>`"),
        ("metric_patterns: []", "`metric_patterns` is a list; expected a mapping"),
        ("timeout: soon", "`timeout` is text; expected a number"),
        ("timeout: .inf", "`timeout` is `inf`; expected a number that is not negative"),
        ("timeout: -1", "`timeout` is `-1`; expected a number that is not negative"),
        ("min_collection_interval: 0.01", "`min_collection_interval` is `0.01`; expected 0.1 to 31536000 seconds"),
        ("label_limit: 0.5", "`label_limit` is the number `0.5`; expected a whole number"),
        ("password: 'ENC[abc]'", "`ENC[...]` stands for a secret that only the Agent can read"),
        ("share_labels: []", "`share_labels` is a list; expected a mapping"),
        ("share_labels: {a: false}", "`share_labels` for `a` is the boolean `false`"),
        ("share_labels: {a: {values: [1, 1.5]}}", "entry 2 of `values` is the number `1.5`"),
        ("share_labels: {a: {labels: x}}", "`labels` is text; expected a list"),
        ("target_info: 'yes'", "`target_info` is text; expected `true` or `false`"),
        ("auth_token: {reader: {type: file}}", "`auth_token` needs a mapping `writer`"),
        ("headers: [a]", "`headers` is a list; expected a mapping"),
        ("headers: {'a b': c}", "`a b` is not a valid header name"),
        ("headers: {a: \"b\\nc\"}", "the value of the header `a` holds characters that no header may hold"),
    ];
    for (options, expected) in wrong {
        let config = with_options(options);
        let problems = problems(&config);
        assert!(
            problems.iter().any(|problem| problem.contains("error") && problem.contains(expected)),
            "{options}: {problems:?}"
        );
        assert!(matches!(&config.instances[0], ConfiguredInstance::Invalid { .. }), "{options}");
    }
}

#[test]
fn settings_without_effect_are_warnings() {
    let cases = [
        ("metrics: [{a.b: c}]", "the name `c` has no effect"),
        ("metrics: [requests_total]", "write `requests` if `requests_total` is a counter"),
        ("metrics: [latency_bucket]", "write `latency` if `latency_bucket` belongs to the histogram `latency`"),
        ("metrics: [latency_sum]", "write `latency` if `latency_sum` belongs to one called `latency`"),
        ("metrics: [latency_count]", "write `latency` if `latency_count` belongs to one called `latency`"),
        ("metrics: [^node_.*, ^node_cpu.+]", "`^node_cpu.+` never gets a turn: `^node_.*` in line 3"),
        (
            "metrics: [{a: {name: x, type: gauge}}, {b: {name: x, type: rate}}]",
            "`b` sends `x` as a rate, and `a` in line 3 as a gauge",
        ),
        (
            "metrics: [{a: {name: x, type: counter}}, {b: {name: x.count, type: gauge}}]",
            "`b` sends `x.count` as a gauge, and `a` in line 3 as a count",
        ),
        ("metrics: [{a.+: {type: x}}]", "there is no type `x`"),
        ("metrics: [{a: {type: metadata, label: b}}]", "`metadata` is shown by `retriever check` and sent nowhere"),
        ("max_returned_metrics: 0", "so nothing is limited"),
        ("metrics: [{a: {type: metadata, label: b, scheme: c}}]", "there is no version scheme `c`"),
        ("username: u", "basic authentication needs both `username` and `password`"),
        ("auth_type: digest", "digest authentication needs `username` and `password`"),
        ("auth_type: NTLM\npassword: x", "NTLM authentication needs `ntlm_domain`"),
        ("auth_type: oauth", "there is no `auth_type` `oauth`; `basic` is used, expected one of `basic`, `digest`"),
        ("ntlm_domain: a\\b\npassword: x", "`ntlm_domain` without `auth_type: ntlm` is deprecated"),
        ("colour: red", "instance 1 has no option `colour`; it has no effect"),
    ];
    for (options, expected) in cases {
        let config = with_options(options);
        let problems = problems(&config);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{options}: {problems:?}");
        assert!(!config.has_errors(), "{options}: {problems:?}");
    }
}

#[test]
fn references_are_expanded_and_never_shown() {
    let made = Made {
        variables: HashMap::from([("PASSWORD", "hunter2"), ("NAME", "shop")]),
        files: HashMap::from([("/run/key", "0123abc\n")]),
    };
    let text = "api_key: ${file:/run/key}\ninstances:\n  - openmetrics_endpoint: http://%%env_NAME%%:1/metrics\n\
                \x20   username: u\n    password: ${env:PASSWORD}\n    metrics: ['${env:NAME}']\n";
    let config = Config::read(text, "conf.yaml", &made);
    assert_eq!(problems(&config), [""; 0]);
    let [Output::Api(api)] = &config.global.outputs[..] else { panic!("{:?}", config.global.outputs) };
    assert_eq!(api.main.api_key.expose(), "0123abc");
    let instance = instance(&config);
    assert_eq!(instance.endpoint, "http://shop:1/metrics");
    let AuthScheme::Basic(basic) = &instance.http.auth.scheme else { panic!("{:?}", instance.http.auth) };
    assert_eq!(basic.password.expose(), "hunter2");
    assert_eq!(instance.metrics[0].matcher.as_str(), "${env:NAME}");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("0123abc"), "{shown}");

    let config =
        read("api_key: ${env:NOPE}\ninstances:\n  - openmetrics_endpoint: http://a\n    namespace: ${file:nope\n");
    assert_eq!(
        problems(&config),
        [
            "conf.yaml:1:10: error: the environment variable `NOPE` is not set; set it or remove the reference",
            "conf.yaml:4:16: error: the reference `${file:` is not closed; expected `}` behind its name",
        ]
    );
}

const ONE: &str = "instances:\n  - openmetrics_endpoint: http://a/metrics\n";

#[test]
fn the_environment_overrides_the_file() {
    let file = format!("api_key: from-file\nsite: datadoghq.eu\nhostname: file\ntags: [a:b]\nenv: test\n{ONE}");
    let config = read(&file);
    let [Output::Api(api)] = &config.global.outputs[..] else { panic!() };
    assert_eq!((api.main.api_key.expose(), api.main.url.as_str()), ("from-file", "https://api.datadoghq.eu"));
    assert_eq!(
        config.global.enrichment,
        Enrichment { hostname: "file".into(), tags: vec!["a:b".into(), "env:test".into()], send_units: true }
    );

    let variables = [
        ("DD_API_KEY", " key\n"),
        ("DD_SITE", "us5.datadoghq.com"),
        ("DD_HOSTNAME", "host"),
        ("DD_TAGS", "x:1 y:2,z:3"),
        ("DD_ENV", "prod"),
    ];
    let config = read_in(&file, &variables);
    let [Output::Api(api)] = &config.global.outputs[..] else { panic!() };
    assert_eq!((api.main.api_key.expose(), api.main.url.as_str()), ("key", "https://api.us5.datadoghq.com"));
    let tags = ["x:1", "y:2", "z:3", "env:prod"].map(ToOwned::to_owned).to_vec();
    assert_eq!(config.global.enrichment, Enrichment { hostname: "host".into(), tags, send_units: true });

    let config = read_in(ONE, &[("DD_API_KEY", "k"), ("DD_URL", "http://one/"), ("DD_DD_URL", "http://two/")]);
    let [Output::Api(api)] = &config.global.outputs[..] else { panic!() };
    assert_eq!(api.main.url, "http://two");
}

#[test]
fn faulty_variables_are_named() {
    let cases = [
        ("DD_DOGSTATSD_URL", "tcp://a"),
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_LOG_LEVEL", "loud"),
        ("RETRIEVER_ADMIN_LISTEN", "here"),
        ("RETRIEVER_OUTPUT", "api"),
        ("RETRIEVER_OUTPUT", "printer"),
        ("RETRIEVER_OUTPUT", "console,file"),
        ("RETRIEVER_CONSOLE_FORMAT", "xml"),
        ("RETRIEVER_OUTPUT_FILE_FORMAT", "xml"),
        ("RETRIEVER_DOGSTATSD_MAX_PACKET_SIZE", "1"),
        ("RETRIEVER_DOGSTATSD_DISTRIBUTION_VALUES", "0.5"),
    ];
    for (name, value) in cases {
        let config = read_in(ONE, &[(name, value)]);
        let problems = problems(&config);
        let beginning = format!("environment variable `{name}`: error: ");
        assert!(problems.len() == 1 && problems[0].starts_with(&beginning), "{name}={value}: {problems:?}");
    }
}

#[test]
fn one_bad_instance_leaves_the_others() {
    let config = read(&format!("{ONE}  - openmetrics_endpoint: http://b\n    tags: 5\n"));
    assert!(matches!(&config.instances[0], ConfiguredInstance::Valid(_)));
    let ConfiguredInstance::Invalid { endpoint, errors } = &config.instances[1] else { panic!() };
    assert_eq!(endpoint.as_deref(), Some("http://b"));
    assert_eq!(errors.len(), 1);
}

#[test]
fn a_later_definition_replaces_an_earlier_one_in_its_place() {
    let config = with_options("metrics: [a, {b.+: {type: gauge}}, c]\nextra_metrics: [{a: z}, {b.+: {type: counter}}]");
    let rules: Vec<_> =
        instance(&config).metrics.iter().map(|rule| (rule.matcher.as_str(), rule.name.as_str())).collect();
    assert_eq!(rules, [("a", "z"), ("b.+", "b.+"), ("c", "c")]);
    assert_eq!(instance(&config).metrics[1].transformer, Transformer::Counter);
}

#[test]
fn names_with_characters_of_expressions_are_patterns() {
    for (text, pattern) in [("a_b:c", false), ("a.b", true), ("a-b", true), ("a b", true), ("a#", true), ("", false)] {
        assert_eq!(Pattern::is_pattern(text), pattern, "{text}");
    }
}

/// A list is joined before it is compiled; each faulty entry is reported at its place.
#[test]
fn each_faulty_pattern_of_a_list_is_told_with_its_place() {
    let config = with_options("exclude_metrics:\n- a.b\n- (c\n- d.\n- 'e**'\n- '[f'");
    let expected = ["5:7: error: `(c` is not", "7:7: error: `e**` is not", "8:7: error: `[f` is not"];
    let problems = problems(&config);
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.contains(expected), "{problems:?}");
    }
    let joined = with_options("metric_patterns: {include: ['(a)b', 'c\\1'], exclude: [(?i)d, e]}");
    let patterns = &instance(&joined).metric_patterns;
    assert!(patterns.exclude.as_ref().expect("two expressions").is_found_in("E"));
    assert!(!patterns.include.as_ref().expect("two expressions").is_found_in("cd"));
    let flags = with_options("ignore_tags: [a, (?i)b]");
    assert_eq!(self::problems(&flags).len(), 1);
}

/// What Datadog's template files leave empty, and values that ask for what happens anyway.
#[test]
fn options_that_ask_for_nothing_are_no_problem() {
    let options = "headers:\nextra_headers:\ntls_ca_cert:\ntls_cert:\nauth_token:\nauth_type:\nmin_collection_interval:\nproxy:\n\
                   telemetry: false\nskip_proxy: no\ncache_metric_wildcards: true\ntls_validate_hostname: yes\n\
                   tls_ciphers:\ntls_protocols_allowed: [TLSv1.2, TLSv1.3]\ntls_ignore_warning: false\ndebug_metrics:\n\
                   tls_intermediate_ca_certs:\ntls_private_key_password:\ntls_use_host_header: no\n\
                   metrics: [{a_total: {type: gauge}}]";
    assert_eq!(problems(&with_options(options)), [""; 0]);
}

#[test]
fn text_that_looks_like_a_number_stays_as_it_is_written() {
    let config = with_options("extra_headers: {X-A: 2.0, X-B: 1e5, X-C: 0012}\nusername: 007\npassword: 1_0");
    let http = &instance(&config).http;
    let headers: Vec<_> = http.extra_headers.iter().map(|(_, value)| value.expose()).collect();
    assert_eq!(headers, ["2.0", "1e5", "0012"]);
    let AuthScheme::Basic(auth) = &http.auth.scheme else { panic!("{:?}", http.auth) };
    assert_eq!((auth.username.expose(), auth.password.expose()), ("007", "1_0"));
}

#[test]
fn a_password_for_another_way_is_not_shown_to_the_target() {
    let config = with_options("username: bob\npassword: hunter2\nntlm_domain: CORP");
    let AuthScheme::Ntlm(ntlm) = &instance(&config).http.auth.scheme else { panic!() };
    assert_eq!((ntlm.domain.as_str(), ntlm.user.expose()), ("", "CORP"));
}

#[test]
fn sizes_may_have_units() {
    let config = with_options("body_size_limit: 10MB\nline_size_limit: 4096\nsample_limit: 0\ntimeout: 120");
    let http = &instance(&config).http;
    assert_eq!((http.limits.body_bytes, http.limits.line_bytes, http.limits.samples), (10 << 20, 4096, u64::MAX));
    assert_eq!(http.total_timeout.as_secs(), 240);
}

#[test]
fn scrape_protocols_are_named_as_prometheus_names_them() {
    let config = with_options(
        "scrape_protocols: [PrometheusProto, OpenMetricsText1.0.0]\nfallback_scrape_protocol: PrometheusText0.0.4",
    );
    assert_eq!(problems(&config), [""; 0]);
    let http = &instance(&config).http;
    assert_eq!(http.scrape_protocols, [ScrapeProtocol::PrometheusProto, ScrapeProtocol::OpenMetricsText1_0_0]);
    assert_eq!(http.fallback_scrape_protocol, Some(ScrapeProtocol::PrometheusText0_0_4));
    for protocol in ScrapeProtocol::ALL {
        let config = with_options(&format!("scrape_protocols: [{}]", protocol.as_str()));
        assert_eq!(instance(&config).http.scrape_protocols, [protocol]);
    }
    assert_eq!(instance(&with_options("")).http.scrape_protocols, []);
}

#[test]
fn scrape_protocols_that_are_none_are_told() {
    let config = with_options(
        "scrape_protocols: [PrometheusProtobuf, openmetricstext1.0.0, PrometheusProto, PrometheusProto, 5, xml]\n\
         fallback_scrape_protocol: PrometheusText",
    );
    let expected = [
        "there is no scrape protocol `PrometheusProtobuf`; did you mean `PrometheusProto`?",
        "there is no scrape protocol `openmetricstext1.0.0`; did you mean `OpenMetricsText1.0.0`?",
        "`scrape_protocols` names `PrometheusProto` twice",
        "entry 5 of `scrape_protocols` is the number `5`; expected text",
        "there is no scrape protocol `xml`; expected PrometheusProto, OpenMetricsText0.0.1, OpenMetricsText1.0.0, \
         PrometheusText0.0.4, PrometheusText1.0.0",
        "there is no scrape protocol `PrometheusText`; did you mean `PrometheusText1.0.0`?",
    ];
    let problems = problems(&config);
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with("conf.yaml:") && problem.ends_with(&format!("error: {expected}")), "{problem}");
    }
    let empty = with_options("scrape_protocols: []");
    assert!(self::problems(&empty)[0].contains("`scrape_protocols` is empty"));
    let both = with_options("use_latest_spec: true\nscrape_protocols: [PrometheusProto]");
    assert_eq!(
        self::problems(&both),
        ["conf.yaml:3:22: warning: `use_latest_spec` has no effect beside `scrape_protocols`"]
    );
}

#[test]
fn the_schedule_and_reloading_have_settings() {
    let defaults = read("instances: []").global;
    assert_eq!((defaults.slots.get(), defaults.watch_settings, defaults.admin_reload), (1000, true, false));
    let config = read("max_concurrent_scrapes: 20\nwatch_settings: no\nadmin_reload: yes\ninstances: []");
    assert_eq!(
        (config.global.slots.get(), config.global.watch_settings, config.global.admin_reload),
        (20, false, true)
    );
    for wrong in ["0", "1.5", "-1", "many"] {
        let config = read(&format!("max_concurrent_scrapes: {wrong}\ninstances: []"));
        let said = problems(&config);
        assert!(said.iter().any(|problem| problem.contains("`max_concurrent_scrapes`")), "{wrong}: {said:?}");
        assert_eq!(config.global.slots.get(), 1000);
    }
    let config =
        read_in("instances: []", &[("RETRIEVER_MAX_CONCURRENT_SCRAPES", "9"), ("RETRIEVER_WATCH_SETTINGS", "false")]);
    assert_eq!((config.global.slots.get(), config.global.watch_settings), (9, false));
}
