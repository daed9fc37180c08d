use super::*;

fn tls(options: &str) -> TlsSettings {
    let config = with_options(options);
    assert!(!config.has_errors(), "{:?}", config.problems);
    instance(&config).http.tls.clone()
}

#[test]
fn tls_is_as_safe_as_it_can_be_unless_told_otherwise() {
    assert_eq!(tls(""), TlsSettings::default());
    assert!(tls("tls_validate_hostname:").validate_hostname);
    assert!(!tls("tls_validate_hostname: false").validate_hostname);
    assert!(tls("tls_verify: false\ntls_ca_cert: /ca.pem").verify);
    let all = tls("tls_private_key_password: 0123\ntls_use_host_header: yes");
    assert_eq!(all.private_key_password, Some(Secret::new("0123")));
    assert!(all.use_host_header);
}

#[test]
fn ciphers_are_text_or_a_list() {
    let one = TlsCiphers::Only(vec![
        CipherSuite::Aes256GcmSha384,
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Chacha20Poly1305Sha256,
        CipherSuite::EcdheRsaWithAes128GcmSha256,
    ]);
    for (options, expected) in [
        ("tls_ciphers: ALL", TlsCiphers::All),
        ("tls_ciphers: ALL:!aNULL", TlsCiphers::All),
        ("tls_ciphers: [ECDHE-RSA-AES128-GCM-SHA256, ALL]", TlsCiphers::All),
        ("tls_ciphers: []", TlsCiphers::All),
        ("tls_ciphers: ECDHE-RSA-AES128-GCM-SHA256", one.clone()),
        ("tls_ciphers: [ECDHE-RSA-AES128-GCM-SHA256]", one),
    ] {
        assert_eq!(tls(options).ciphers, expected, "{options}");
        assert_eq!(problems(&with_options(options)), [""; 0], "{options}");
    }
}

#[test]
fn what_tls_has_not_is_a_warning_that_names_it() {
    for (options, part) in [
        (
            "tls_ciphers: [AES128-SHA, ECDHE-RSA-AES128-GCM-SHA256, DES-CBC3-SHA]",
            "which is ignored: `AES128-SHA`, `DES-CBC3-SHA`",
        ),
        ("tls_ciphers: RC4:MD5", "names no cipher suite that Retriever (rustls) has: `RC4`, `MD5`; no target"),
        ("tls_protocols_allowed: [TLSv1, TLSv1.1]", "(rustls); TLS 1.2 and 1.3 are offered"),
        ("tls_protocols_allowed: [TLSv1.4]", "there is no protocol `TLSv1.4`"),
    ] {
        let [said] = &problems(&with_options(options))[..] else { panic!("{options}") };
        assert!(said.contains("warning") && said.contains(part), "{said}");
    }
    // The default of the Agent's template.
    let [said] = &problems(&with_options("tls_protocols_allowed: [SSLv3, TLSv1.2, TLSv1.3]"))[..] else { panic!() };
    assert!(said.contains("note: `SSLv3` in `tls_protocols_allowed`: there is nothing below"), "{said}");
    assert_eq!(tls("tls_protocols_allowed: [TLSv1.3, TLSv1]").versions, [TlsVersion::Tls13]);
    assert_eq!(tls("tls_protocols_allowed: [TLSv1]").versions, []);
}

#[test]
fn certificates_in_the_settings_are_read_at_once() {
    let pem = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n";
    let both = format!("tls_intermediate_ca_certs: [\"{pem}{pem}\", \"{pem}\"]");
    assert_eq!(tls(&both).intermediate_ca_certs.len(), 3);
    let [said] = &problems(&with_options("tls_intermediate_ca_certs: [/etc/ca.pem]"))[..] else { panic!() };
    assert!(said.contains("error") && said.contains("write `${file:PATH}`"), "{said}");
}
