//! Settings that are wrong: all of it is said at once, each with its place, and the program does not start.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use support::program::{Folder, retriever};

/// A value that is wrong for each option of each part of a file, and nothing else: each is one error of its line.
const WRONG: [(&str, &[(&str, &str)]); 3] = [
    (
        "",
        &[
            ("api_key", "[a]"),
            ("site", "{a: b}"),
            ("dd_url", "[http://a]"),
            ("skip_ssl_validation", "'${env:NO_SUCH_VARIABLE}'"),
            ("min_tls_version", "tlsv1.4"),
            ("no_proxy_nonexact_match", "'${env:NO_SUCH_VARIABLE}'"),
            ("send_units", "'${env:NO_SUCH_VARIABLE}'"),
            ("app_key", "[a]"),
            ("forwarder_timeout", "soon"),
            ("forwarder_retry_queue_payloads_max_size", "-1"),
            ("dogstatsd_url", "carrier-pigeon"),
            ("dogstatsd_port", "65536"),
            ("dogstatsd_socket", "[a]"),
            ("dogstatsd_host", "[a]"),
            ("output", "printer"),
            ("outputs", "[file]"),
            ("output_file", "[a]"),
            ("output_file_format", "xml"),
            ("console_format", "xml"),
            ("dogstatsd_max_packet_size", "3"),
            ("dogstatsd_distribution_values", "0.5"),
            ("tags", "a:b"),
            ("extra_tags", "[1]"),
            ("env", "[a]"),
            ("hostname", "{a: b}"),
            ("admin_listen", "here"),
            ("log_level", "loud"),
            ("log_format_json", "'${file:/no/such/file}'"),
            ("proxy", "{http: 'gopher://a'}"),
        ],
    ),
    (
        "init_config:\n",
        &[
            ("timeout", "soon"),
            ("service", "[a]"),
            ("proxy", "http://a"),
            ("skip_proxy", "'${env:NO_SUCH_VARIABLE}'"),
            ("use_agent_proxy", "'${env:NO_SUCH_VARIABLE}'"),
            ("log_requests", "'${env:NO_SUCH_VARIABLE}'"),
        ],
    ),
    (
        "instances:\n",
        &[
            ("openmetrics_endpoint", "5"),
            ("namespace", "[a]"),
            ("raw_metric_prefix", "5"),
            ("metrics", "everything"),
            ("extra_metrics", "[5]"),
            ("exclude_metrics", "['(']"),
            ("exclude_metrics_by_labels", "{a: 5}"),
            ("metric_relabel_configs", "[{action: rename}]"),
            ("exclude_labels", "a"),
            ("include_labels", "[5]"),
            ("rename_labels", "{a: 5}"),
            ("tags", "[5]"),
            ("ignore_tags", "['(']"),
            ("tag_by_endpoint", "'${env:NO_SUCH_VARIABLE}'"),
            ("disable_generic_tags", "'%%env_NO_SUCH_VARIABLE%%'"),
            ("enable_health_service_check", "'${env:'"),
            ("ignore_connection_errors", "'${env:NO_SUCH_VARIABLE}'"),
            ("collect_histogram_buckets", "'${env:NO_SUCH_VARIABLE}'"),
            ("non_cumulative_histogram_buckets", "'${env:NO_SUCH_VARIABLE}'"),
            ("histogram_buckets_as_distributions", "'${env:NO_SUCH_VARIABLE}'"),
            ("collect_counters_with_distributions", "'${env:NO_SUCH_VARIABLE}'"),
            ("collect_histograms_as_distributions", "'${env:NO_SUCH_VARIABLE}'"),
            ("hostname_label", "5"),
            ("hostname_format", "5"),
            ("metric_patterns", "[a]"),
            ("min_collection_interval", "0.01"),
            ("service", "[a]"),
            ("timeout", "-1"),
            ("connect_timeout", "soon"),
            ("read_timeout", "[1]"),
            ("total_timeout", "true"),
            ("headers", "{'a b': c}"),
            ("extra_headers", "[a]"),
            ("allow_redirects", "'${env:NO_SUCH_VARIABLE}'"),
            ("persist_connections", "'${env:NO_SUCH_VARIABLE}'"),
            ("use_latest_spec", "'${env:NO_SUCH_VARIABLE}'"),
            ("username", "[a]"),
            ("password", "{a: b}"),
            ("use_legacy_auth_encoding", "'${env:NO_SUCH_VARIABLE}'"),
            ("auth_type", "5"),
            ("ntlm_domain", "[a]"),
            ("kerberos_cache", "5"),
            ("kerberos_keytab", "5"),
            ("kerberos_delegate", "'${env:NO_SUCH_VARIABLE}'"),
            ("kerberos_force_initiate", "'${env:NO_SUCH_VARIABLE}'"),
            ("kerberos_hostname", "5"),
            ("kerberos_principal", "5"),
            ("aws_host", "5"),
            ("aws_region", "5"),
            ("aws_service", "5"),
            ("proxy", "{https: 'http://:1'}"),
            ("skip_proxy", "'${env:NO_SUCH_VARIABLE}'"),
            ("no_proxy", "'${env:NO_SUCH_VARIABLE}'"),
            ("log_requests", "'${env:NO_SUCH_VARIABLE}'"),
            ("request_size", "much"),
            ("tls_verify", "'${env:NO_SUCH_VARIABLE}'"),
            ("tls_ca_cert", "5"),
            ("tls_cert", "5"),
            ("tls_private_key", "5"),
            ("tls_private_key_password", "[a]"),
            ("tls_validate_hostname", "'${env:NO_SUCH_VARIABLE}'"),
            ("tls_use_host_header", "'${env:NO_SUCH_VARIABLE}'"),
            ("tls_ciphers", "5"),
            ("tls_protocols_allowed", "TLSv1.2"),
            ("tls_intermediate_ca_certs", "[hello]"),
            ("header_size_limit", "-1"),
            ("wire_size_limit", "much"),
            ("body_size_limit", "-5"),
            ("line_size_limit", "[1]"),
            ("label_limit", "-0.5"),
            ("sample_limit", "1.5"),
            ("redirect_limit", "many"),
            ("share_labels", "[a]"),
            ("target_info", "maybe"),
            ("raw_line_filters", "['(']"),
            ("auth_token", "[a]"),
        ],
    ),
];

#[test]
fn all_that_is_wrong_with_the_settings_is_reported_at_once() {
    let mut file = String::new();
    let mut wrong = Vec::new();
    for (number, (head, options)) in WRONG.iter().enumerate() {
        file += head;
        for (place, (option, value)) in options.iter().enumerate() {
            let indent = match (number, place) {
                (0, _) => "",
                (1, _) => "  ",
                (_, 0) => "  - ",
                _ => "    ",
            };
            file.extend([indent, option, ": ", value, "\n"]);
            wrong.push((file.lines().count(), *option));
        }
    }
    let (_folder, path) = Folder::with_settings(&file);
    for command in ["validate", "check", "run"] {
        let finished = retriever([command, &path]);
        finished.assert_code(2);
        let said = if command == "validate" { &finished.stdout } else { &finished.stderr };
        for (line, option) in &wrong {
            let place = format!("{path}:{line}:");
            let here = said.lines().filter(|said| said.starts_with(&place) && said.contains(": error: "));
            assert_eq!(here.count(), 1, "`{option}` of line {line}: {finished}");
        }
    }
}
