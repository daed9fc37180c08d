//! Authentication towards real web servers, through the program as its users start it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use support::program::{Finished, Folder, PATIENCE, command, free_address};

/// The folder of Debian's modules for Apache.
const MODULES: &str = "/usr/lib/apache2/modules";

/// A program in the search path or where programs for administrators are.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A server that is killed when it is dropped.
struct Server(Child);

impl Server {
    async fn start(command: &mut Command, address: SocketAddr, log: &Path) -> Self {
        let log_file = std::fs::File::create(log).unwrap();
        let command = command.stdin(Stdio::null()).stdout(log_file.try_clone().unwrap()).stderr(log_file);
        let server = Self(command.spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            assert!(Instant::now() < deadline, "nobody listens on {address}: {said}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Apache with one process; each folder beneath `/` asks in its own way.
async fn apache(program: &Path, folder: &Folder, modules: &[&str], locations: &str) -> (Server, SocketAddr) {
    let address = free_address();
    for name in ["open", "basic", "digest", "kerberos"] {
        let inside = folder.path("www").join(name);
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(inside.join("metrics"), "# TYPE up gauge\nup 1\n").unwrap();
    }
    let root = folder.path("").display().to_string();
    let mut settings = format!(
        "ServerRoot {root}\nServerName localhost\nListen {address}\nPidFile {root}/pid\nErrorLog {root}/error.log\n\
         DocumentRoot {root}/www\nDefaultRuntimeDir {root}\nMutex file:{root}\nKeepAlive On\n\
         <Directory {root}/www>\n  ForceType text/plain\n</Directory>\n"
    );
    let common = ["mpm_event", "authn_core", "authz_core", "authz_user"];
    for module in common.iter().chain(modules) {
        settings.extend(["LoadModule ", module, "_module ", MODULES, "/mod_", module, ".so\n"]);
    }
    let settings = folder.write("apache.conf", settings + locations);
    let mut command = Command::new(program);
    command.args(["-X", "-f", &settings]).env("KRB5_CONFIG", folder.path("krb5.conf"));
    let server = Server::start(&mut command, address, &folder.path("apache.log")).await;
    (server, address)
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn check(folder: &Folder, url: &str, options: &str) -> Finished {
    let settings = format!(
        "instances:\n  - openmetrics_endpoint: {url}\n    metrics: [up]\n    {}\n",
        options.replace('\n', "\n    ")
    );
    let path = folder.write("conf.yaml", settings);
    let mut command = command();
    command.args(["check", &path, "--format", "json"]).env("KRB5_CONFIG", folder.path("krb5.conf"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let finished = Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!format!("{finished}").contains("hunter2"), "{finished}");
    finished
}

/// The value of the one metric, or the message of the health check.
fn outcome(finished: &Finished) -> Result<f64, String> {
    let scrape = finished.json()["instances"][0]["scrapes"][0].clone();
    match scrape["submissions"][0]["value"].as_f64() {
        Some(value) => Ok(value),
        None => Err(scrape["service_checks"][0]["message"].as_str().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn apache_takes_basic_and_digest() {
    let (Some(program), Some(_)) = (installed("apache2"), installed("htpasswd")) else {
        eprintln!("skipped: apache2 is not installed");
        return;
    };
    let folder = Folder::new();
    let users = folder.path("users").display().to_string();
    run("htpasswd", &["-cb", &users, "bob", "hunter2"]);
    // `md5(bob:metrics:hunter2)`, as `htdigest` writes it.
    let digests = folder.write("digests", "bob:metrics:b8e7539ef40d73299b8d315d85b64325\n");
    let locations = format!(
        "<Location /basic>\n  AuthType Basic\n  AuthName metrics\n  AuthBasicProvider file\n  AuthUserFile {users}\n  \
         Require valid-user\n</Location>\n<Location /digest>\n  AuthType Digest\n  AuthName metrics\n  \
         AuthDigestProvider file\n  AuthUserFile {digests}\n  Require valid-user\n</Location>\n"
    );
    let modules = ["auth_basic", "auth_digest", "authn_file"];
    let (_server, address) = apache(&program, &folder, &modules, &locations).await;
    for (place, auth_type) in [("open", "basic"), ("basic", "basic"), ("digest", "digest")] {
        let url = format!("http://{address}/{place}/metrics?a=b");
        let options = format!("auth_type: {auth_type}\nusername: bob\npassword: hunter2");
        assert_eq!(outcome(&check(&folder, &url, &options).await), Ok(1.0), "{place}");
        let wrong = outcome(&check(&folder, &url, &options.replace("hunter2", "hunter3")).await);
        let refused = format!("401 Client Error: Unauthorized for url: {url}");
        assert_eq!(wrong, if place == "open" { Ok(1.0) } else { Err(refused) }, "{place}");
    }
}

/// A realm with one user, who has a keytab, and one service on this machine.
#[cfg(feature = "kerberos")]
async fn realm(folder: &Folder) -> Option<Server> {
    let (kdc, admin, util) = (installed("krb5kdc")?, installed("kadmin.local")?, installed("kdb5_util")?);
    let (root, address) = (folder.path("").display().to_string(), free_address());
    let config = folder.write(
        "krb5.conf",
        format!(
            "[libdefaults]\n  default_realm = TEST.EXAMPLE\n  dns_canonicalize_hostname = false\n  rdns = false\n  \
             dns_lookup_kdc = false\n  default_ccache_name = FILE:{root}/unused\n[realms]\n  TEST.EXAMPLE = {{\n    \
             kdc = {address}\n    database_name = {root}/principal\n    key_stash_file = {root}/stash\n    \
             kdc_listen = {address}\n    kdc_tcp_listen = {address}\n    acl_file = {root}/acl\n  }}\n"
        ),
    );
    let with_config = |program: &Path| {
        let mut command = Command::new(program);
        command.env("KRB5_CONFIG", &config).env("KRB5_KDC_PROFILE", &config).stdin(Stdio::null());
        command
    };
    let mut steps = vec![with_config(&util)];
    steps[0].args(["create", "-s", "-P", "master", "-r", "TEST.EXAMPLE"]);
    for query in [
        "addprinc -randkey bob".to_owned(),
        "addprinc -randkey HTTP/localhost".to_owned(),
        format!("ktadd -k {root}/bob.keytab bob"),
        format!("ktadd -k {root}/http.keytab HTTP/localhost"),
    ] {
        let mut step = with_config(&admin);
        step.args(["-r", "TEST.EXAMPLE", "-q", &query]);
        steps.push(step);
    }
    for mut step in steps {
        let output = step.output().unwrap();
        assert!(output.status.success(), "{step:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut kdc = with_config(&kdc);
    kdc.args(["-n", "-r", "TEST.EXAMPLE", "-P", &format!("{root}/kdc.pid")]);
    Some(Server::start(&mut kdc, address, &folder.path("kdc.log")).await)
}

#[cfg(feature = "kerberos")]
#[tokio::test]
async fn apache_takes_kerberos() {
    let folder = Folder::new();
    let Some(program) = installed("apache2").filter(|_| Path::new(MODULES).join("mod_auth_gssapi.so").exists()) else {
        eprintln!("skipped: apache2 or its module for Kerberos is not installed");
        return;
    };
    let Some(_kdc) = realm(&folder).await else {
        eprintln!("skipped: the Kerberos server is not installed");
        return;
    };
    let keytab = folder.path("http.keytab").display().to_string();
    let locations = format!(
        "<Location /kerberos>\n  AuthType GSSAPI\n  AuthName metrics\n  GssapiCredStore keytab:{keytab}\n  \
         Require user bob@TEST.EXAMPLE\n</Location>\n"
    );
    let (_server, address) = apache(&program, &folder, &["auth_gssapi"], &locations).await;
    let url = format!("http://localhost:{}/kerberos/metrics", address.port());
    let root = folder.path("").display().to_string();
    let keytab = format!("kerberos_keytab: {root}/bob.keytab\nkerberos_cache: FILE:{root}/cache");
    for options in [
        format!("auth_type: kerberos\n{keytab}"),
        format!("kerberos_auth: optional\nkerberos_force_initiate: true\n{keytab}"),
        format!("auth_type: kerberos\nkerberos_auth: disabled\nkerberos_principal: bob@TEST.EXAMPLE\n{keytab}"),
        format!("auth_type: kerberos\nkerberos_hostname: localhost\nkerberos_delegate: true\n{keytab}"),
    ] {
        assert_eq!(outcome(&check(&folder, &url, &options).await), Ok(1.0), "{options}");
    }
    let message =
        outcome(&check(&folder, &url, &format!("auth_type: kerberos\nkerberos_cache: FILE:{root}/none")).await);
    assert!(message.clone().unwrap_err().contains("Kerberos authentication failed: "), "{message:?}");
    // A service that nobody knows, and a target that proves nothing.
    let message = outcome(&check(&folder, &url, &format!("auth_type: kerberos\nkerberos_hostname: x\n{keytab}")).await);
    assert!(message.clone().unwrap_err().contains("Kerberos authentication failed: "), "{message:?}");
    let open = url.replace("/kerberos/", "/open/");
    let message = outcome(&check(&folder, &open, &format!("auth_type: kerberos\n{keytab}")).await);
    assert!(message.clone().unwrap_err().contains("did not prove who it is"), "{message:?}");
    let optional = format!("auth_type: kerberos\nkerberos_auth: optional\n{keytab}");
    assert_eq!(outcome(&check(&folder, &open, &optional).await), Ok(1.0));
}
