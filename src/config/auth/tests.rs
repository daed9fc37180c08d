//! Authentication as users set it, and what is said of it.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::*;
use crate::config::{Config, ConfiguredInstance, Surroundings};

/// An environment that is made up.
struct Made(HashMap<&'static str, &'static str>);

impl Surroundings for Made {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).map(ToString::to_string)
    }

    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// What comes of options that stand from line 3 on, and what is said of them.
fn read_in(options: &str, variables: &[(&'static str, &'static str)]) -> (Option<AuthSettings>, Vec<String>) {
    let indented = options.replace('\n', "\n    ");
    let text = format!("instances:\n  - openmetrics_endpoint: http://localhost:9100/metrics\n    {indented}\n");
    let config = Config::read(&text, "c", &Made(variables.iter().copied().collect()));
    let problems = config.problems.iter().map(ToString::to_string).collect();
    let auth = match &config.instances[0] {
        ConfiguredInstance::Valid(instance) => Some(instance.http.auth.clone()),
        ConfiguredInstance::Invalid { .. } => None,
    };
    (auth, problems)
}

fn read(options: &str) -> AuthSettings {
    let (auth, problems) = read_in(options, &[]);
    assert_eq!(problems, [""; 0], "{options}");
    auth.unwrap()
}

#[test]
fn basic_needs_both_and_takes_an_empty_password() {
    let AuthScheme::Basic(basic) = read("username: u\npassword: ''\nuse_legacy_auth_encoding: false").scheme else {
        panic!()
    };
    assert_eq!((basic.username.expose(), basic.password.expose(), basic.latin1), ("u", "", false));
    assert_eq!(read("username:\npassword:").scheme, AuthScheme::Unset);
    for half in ["username: u", "password: x", "username: u\npassword:"] {
        let (auth, problems) = read_in(half, &[]);
        assert_eq!(auth.unwrap().scheme, AuthScheme::Unset, "{half}");
        assert!(problems[0].contains("warning: basic authentication needs both"), "{problems:?}");
    }
}

#[test]
fn the_other_ways_have_their_options() {
    let AuthScheme::Digest(digest) = read("auth_type: Digest\nusername: u\npassword: p").scheme else { panic!() };
    assert_eq!((digest.username.expose(), digest.password.expose()), ("u", "p"));
    for (account, domain, user) in
        [("'CORP\\bob'", "CORP", "bob"), ("bob@corp.example", "", "bob@corp.example"), ("bob", "", "bob")]
    {
        let auth = read(&format!("auth_type: NTLM\nntlm_domain: {account}\npassword: p"));
        let AuthScheme::Ntlm(ntlm) = auth.scheme else { panic!() };
        assert_eq!((ntlm.domain.as_str(), ntlm.user.expose()), (domain, user));
    }
    let AuthScheme::Aws(aws) = read("auth_type: aws\naws_host: h\naws_region: r\naws_service: s").scheme else {
        panic!()
    };
    assert_eq!((aws.host.as_str(), aws.region.as_str(), aws.service.as_str()), ("h", "r", "s"));
}

#[test]
fn options_of_another_way_imply_it() {
    let (auth, problems) = read_in("ntlm_domain: 'CORP\\bob'\nusername: u\npassword: p", &[]);
    assert!(matches!(auth.unwrap().scheme, AuthScheme::Ntlm(_)));
    assert_eq!(
        problems,
        ["c:3:18: warning: `ntlm_domain` without `auth_type: ntlm` is deprecated; set `auth_type: ntlm`"]
    );
    // Kerberos wins over NTLM, and both only over basic.
    let (_, problems) = read_in("ntlm_domain: 'CORP\\bob'\nkerberos: yes\nusername: u\npassword: p", &[]);
    assert!(problems[0].contains("`kerberos` without `auth_type: kerberos` is deprecated"), "{problems:?}");
    let digest = read("auth_type: digest\nntlm_domain: 'CORP\\bob'\nkerberos_auth: required\nusername: u\npassword: p");
    assert!(matches!(digest.scheme, AuthScheme::Digest(_)));
    let basic = read("ntlm_domain: ''\nkerberos_auth: false\nusername: u\npassword: p");
    assert!(matches!(basic.scheme, AuthScheme::Basic(_)));
}

#[cfg(not(feature = "kerberos"))]
#[test]
fn a_build_without_kerberos_says_so() {
    for options in ["auth_type: kerberos", "kerberos_auth: required", "kerberos: disabled"] {
        let (auth, problems) = read_in(options, &[]);
        assert_eq!(auth, None);
        let said = problems.iter().any(|problem| problem.contains("cargo build --release --features kerberos"));
        assert!(said, "{problems:?}");
    }
}

#[cfg(feature = "kerberos")]
#[test]
fn kerberos_has_its_options() {
    for (mode, mutual) in [
        ("required", MutualAuthentication::Required),
        ("optional", MutualAuthentication::Optional),
        ("disabled", MutualAuthentication::Disabled),
        ("'yes'", MutualAuthentication::Required),
        ("true", MutualAuthentication::Required),
        ("null", MutualAuthentication::Required),
    ] {
        let AuthScheme::Kerberos(kerberos) = read(&format!("auth_type: kerberos\nkerberos_auth: {mode}")).scheme else {
            panic!()
        };
        assert_eq!(kerberos.mutual, mutual, "{mode}");
    }
    let options = "auth_type: kerberos\nkerberos_cache: FILE:/c\nkerberos_keytab: ~/k\nkerberos_delegate: true\n\
                   kerberos_force_initiate: yes\nkerberos_hostname: h\nkerberos_principal: p@R";
    let (auth, problems) = read_in(options, &[("HOME", "/home/a")]);
    assert_eq!(problems, [""; 0]);
    let expected = KerberosAuth {
        mutual: MutualAuthentication::Required,
        delegate: true,
        force_initiate: true,
        hostname: Some("h".into()),
        principal: Some("p@R".into()),
        cache: Some("FILE:/c".into()),
        keytab: Some("/home/a/k".into()),
    };
    assert_eq!(auth.unwrap().scheme, AuthScheme::Kerberos(expected));
    let (_, problems) = read_in("auth_type: kerberos\nkerberos_auth: maybe", &[]);
    assert!(problems[0].contains("error: `kerberos_auth` is none of `required`, `optional` and `disabled`"));
}

#[test]
fn each_missing_option_of_aws_is_named() {
    let (auth, problems) = read_in("auth_type: aws\naws_region: ''", &[]);
    assert_eq!(auth, None);
    let expected = ["aws_host", "aws_region", "aws_service"]
        .map(|option| format!("c:3:16: error: `auth_type: aws` needs `{option}`"));
    assert_eq!(problems, expected);
}

#[test]
fn the_environment_says_where_credentials_of_aws_are() {
    let options = "auth_type: aws\naws_host: h\naws_region: r\naws_service: s";
    let sources = |variables: &[(&'static str, &'static str)]| match read_in(options, variables).0.unwrap().scheme {
        AuthScheme::Aws(aws) => aws.sources,
        other => panic!("{other:?}"),
    };
    let usual = sources(&[("HOME", "/home/a")]);
    assert_eq!(usual.profile.name, "default");
    assert_eq!(usual.profile.credentials_file, Some("/home/a/.aws/credentials".into()));
    assert_eq!(usual.profile.config_file, Some("/home/a/.aws/config".into()));
    assert_eq!((usual.keys, usual.container), (None, None));
    assert_eq!(usual.instance_metadata.as_deref(), Some("http://169.254.169.254"));
    let other = sources(&[
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_SESSION_TOKEN", "hunter3"),
        ("AWS_PROFILE", "p"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/c"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter4"),
        ("AWS_EC2_METADATA_DISABLED", "TRUE"),
    ]);
    let shown = format!("{other:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    let keys = other.keys.unwrap();
    assert_eq!((keys.access_key_id.as_str(), keys.session_token.unwrap().expose()), ("id", "hunter3"));
    assert_eq!((other.profile.name.as_str(), other.profile.config_file), ("p", None));
    assert_eq!(other.container.unwrap().url, "http://169.254.170.2/x");
    assert_eq!(other.instance_metadata, None);
}

#[test]
fn netrc_is_where_the_environment_says() {
    let files = |variables: &[(&'static str, &'static str)]| read_in("timeout: 5", variables).0.unwrap().netrc;
    assert_eq!(files(&[]), [""; 0].map(PathBuf::from));
    assert_eq!(files(&[("HOME", "/h")]), ["/h/.netrc", "/h/_netrc"].map(PathBuf::from));
    assert_eq!(files(&[("HOME", "/h"), ("NETRC", "~/mine")]), ["/h/mine"].map(PathBuf::from));
    assert_eq!(files(&[("NETRC", "/n")]), ["/n"].map(PathBuf::from));
}

const WRITER: &str = "\n  writer: {type: header, name: Authorization, value: 'Bearer <TOKEN>'}";

#[test]
fn tokens_have_readers_and_a_writer() {
    let token = |reader: &str| read(&format!("auth_token:\n  reader: {reader}{WRITER}")).token.unwrap();
    let file = token("{type: file, path: /t, pattern: 'a(.+)'}");
    let TokenReader::File(file) = &file.reader else { panic!() };
    assert_eq!((&*file.path, file.pattern.as_ref().unwrap().as_str()), (Path::new("/t"), "a(.+)"));

    let oauth = token(
        "{type: oauth, url: https://i/t, client_id: c, client_secret: hunter2, options: {scope: [a, b], audience: x, level: 5, \
         include_client_id: true, verify: /ca, timeout: 3, headers: {X: z}}}",
    );
    let shown = format!("{oauth:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let TokenReader::OAuth(oauth) = oauth.reader else { panic!() };
    let expected = OAuthReader {
        url: "https://i/t".into(),
        client_id: "c".into(),
        client_secret: Secret::new("hunter2"),
        in_body: true,
        parameters: [("scope", "a b"), ("audience", "x"), ("level", "5")]
            .map(|(n, v)| (n.into(), Secret::new(v)))
            .into(),
        headers: vec![("X".into(), Secret::new("z"))],
        verify: true,
        ca_cert: Some("/ca".into()),
        timeout: Some(std::time::Duration::from_secs(3)),
    };
    assert_eq!(*oauth, expected);

    let with_both = "{type: oauth, url: https://i/t, client_id: c, client_secret: s, basic_auth: true, options: \
                     {include_client_id: true}}";
    let TokenReader::OAuth(oauth) = token(with_both).reader else { panic!() };
    assert_eq!((oauth.in_body, oauth.parameters), (false, vec![("client_id".into(), Secret::new("c"))]));

    let dcos = token("{type: dcos_auth, login_url: https://d/, service_account: s, private_key_path: /k}");
    let key = PathBuf::from("/k");
    let expected =
        DcosReader { login_url: "https://d/".into(), service_account: "s".into(), private_key: key, expiration: 300 };
    assert_eq!(dcos.reader, TokenReader::Dcos(expected));
}

#[test]
fn a_writer_replaces_the_first_placeholder() {
    let writer = |options: &str| {
        let text =
            format!("auth_token:\n  reader: {{type: file, path: /t}}\n  writer: {{type: header, name: X{options}}}");
        let (before, behind) = read(&text).token.unwrap().writer.around;
        (before.expose().to_owned(), behind.expose().to_owned())
    };
    assert_eq!(writer(""), (String::new(), String::new()));
    assert_eq!(writer(", value: 'a <TOKEN> b <TOKEN>'"), ("a ".into(), " b <TOKEN>".into()));
    assert_eq!(writer(", value: 'a ? b', placeholder: '?'"), ("a ".into(), " b".into()));
}

#[test]
fn all_errors_of_tokens_have_their_place() {
    const FILE: &str = "\n  reader: {type: file, path: /t}";
    let reader = |options: &str| format!("auth_token:\n  reader: {{{options}}}{WRITER}");
    let writer = |options: &str| format!("auth_token:{FILE}\n  writer: {{{options}}}");
    for (options, expected) in [
        ("auth_token: [a]".to_owned(), "3:17: error: `auth_token` is a list; expected a mapping"),
        (format!("auth_token:{FILE}"), "4:7: error: `auth_token` needs a mapping `writer`"),
        (format!("auth_token:{WRITER}"), "4:7: error: `auth_token` needs a mapping `reader`"),
        (format!("auth_token:{FILE}\n  writer: x"), "5:15: error: `writer` is text; expected a mapping"),
        (format!("auth_token:\n  reader:{WRITER}"), "error: `reader` is nothing (null); expected a mapping"),
        (reader("type: 5"), "4:22: error: `type` is the number `5`; expected text"),
        (reader("path: /t"), "4:15: error: the reader of `auth_token` needs `type`"),
        (
            reader("type: vault"),
            "4:22: error: `auth_token` has no reader of the type `vault`; expected one of `dcos_auth`, `file`, `oauth`",
        ),
        (reader("type: file"), "4:15: error: the reader of `auth_token` needs `path`"),
        (reader("type: file, path: ''"), "4:34: error: the reader of `auth_token` needs `path`"),
        (reader("type: file, path: 5"), "4:34: error: `path` is the number `5`; expected text"),
        (reader("type: file, path: /t, pattern: 5"), "4:47: error: `pattern` is the number `5`; expected text"),
        (reader("type: file, path: /t, pattern: '('"), "4:47: error: `(` is not a regular expression"),
        (
            reader("type: file, path: /t, pattern: 'a(b)(c)'"),
            "4:47: error: the pattern `a(b)(c)` has 2 groups; expected exactly one, `(...)`",
        ),
        (reader("type: file, path: /t, pattern: abc"), "the pattern `abc` has 0 groups"),
        (reader("type: oauth, client_id: c, client_secret: s"), "the reader of `auth_token` needs `url`"),
        (reader("type: oauth, url: u, client_secret: s"), "the reader of `auth_token` needs `client_id`"),
        (reader("type: oauth, url: u, client_id: c"), "the reader of `auth_token` needs `client_secret`"),
        (
            reader("type: oauth, url: u, client_id: c, client_secret: s, basic_auth: 'yes'"),
            "4:81: error: `basic_auth` is text; expected `true` or `false`",
        ),
        (reader("type: dcos_auth, service_account: s, private_key_path: k"), "needs `login_url`"),
        (reader("type: dcos_auth, login_url: u, private_key_path: k"), "needs `service_account`"),
        (reader("type: dcos_auth, login_url: u, service_account: s"), "needs `private_key_path`"),
        (
            reader("type: dcos_auth, login_url: u, service_account: s, private_key_path: k, expiration: '5'"),
            "error: `expiration` is text; expected a whole number of seconds",
        ),
        (writer("name: X"), "5:15: error: the writer of `auth_token` needs `type`"),
        (writer("type: query"), "`auth_token` has no writer of the type `query`; expected one of `header`"),
        (writer("type: header"), "5:15: error: the writer of `auth_token` needs `name`"),
        (writer("type: header, name: 5"), "5:36: error: `name` is the number `5`; expected text"),
        (writer("type: header, name: 'a b'"), "5:36: error: `a b` is not a valid header name"),
        (writer("type: header, name: X, value: 5"), "5:46: error: `value` is the number `5`; expected text"),
        (writer("type: header, name: X, placeholder: ''"), "5:52: error: `placeholder` is empty"),
        (writer("type: header, name: X, placeholder: 5"), "5:52: error: `placeholder` is the number `5`"),
        (
            writer("type: header, name: X, value: Bearer"),
            "5:46: error: `value` does not hold the placeholder `<TOKEN>`, the place of the token",
        ),
    ] {
        let (auth, problems) = read_in(&options, &[]);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{options}: {problems:?}");
        assert_eq!(auth, None, "{options}");
    }
}
