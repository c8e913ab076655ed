use clap::ColorChoice;

use super::*;

fn globals() -> Globals {
    Globals {
        profile: None,
        region: None,
        endpoint_url: None,
        insecure_endpoint: false,
        verbose: 0,
        quiet: false,
        color: ColorChoice::Auto,
        log_file: None,
    }
}

#[test]
fn the_proxy_command_carries_the_flags_and_survives_ssh_and_its_shell() {
    let command = proxy_command(Path::new("/usr/bin/ssmx"), &globals(), None, &[], Called::Id("i-1")).unwrap();
    assert_eq!(command, "/usr/bin/ssmx proxy i-1 %p");
    let globals = Globals {
        profile: Some("it's 100%".into()),
        region: Some("eu-west-1".into()),
        endpoint_url: Some("http://127.0.0.1:1".into()),
        insecure_endpoint: true,
        verbose: 2,
        ..globals()
    };
    let command =
        proxy_command(Path::new("/o p/ss%mx"), &globals, Some("why not"), &[("i-1", "d%b")], Called::Name).unwrap();
    let expanded = command.replace("%h", "i-1").replace("%p", "22").replace("%%", "%");
    let words = shlex::split(&expanded).unwrap();
    let expected = [
        "/o p/ss%mx",
        "--profile=it's 100%",
        "--region=eu-west-1",
        "--endpoint-url=http://127.0.0.1:1",
        "--insecure-endpoint",
        "--verbose",
        "--verbose",
        "proxy",
        "--reason=why not",
        "--alias=i-1=d%b",
        "i-1",
        "22",
    ];
    assert_eq!(words, expected);
    assert!(proxy_command(Path::new("/x\nProxyCommand"), &globals, None, &[], Called::Id("i-1")).is_err());
}

#[test]
fn the_shell_of_a_proxy_command_finds_nothing_to_run_in_a_host() {
    let of = |called| proxy_command(Path::new("/bin/ssmx"), &globals(), None, &[], called).unwrap();
    for host in ["a;b.ssmx", "$(touch x)", "`x`", "a b", "-x", "*", "\"", "a\\", "!!", "#"] {
        assert_eq!(
            shlex::split(&of(Called::Id(host)).replace("%p", "22")).unwrap(),
            ["/bin/ssmx", "proxy", host, "22"]
        );
        let expanded = of(Called::Typed).replace("%n", host).replace("%h", host).replace("%p", "22");
        let typed = format!("--typed={host}");
        assert_eq!(shlex::split(&expanded).unwrap(), ["/bin/ssmx", "proxy", &typed, host, "22"]);
    }
    assert_eq!(of(Called::Typed), "/bin/ssmx proxy --typed='%n' '%h' %p");
}

#[test]
fn a_user_is_nothing_else() {
    for name in ["ec2-user", "me", "DOMAIN\\me", "a.b_c@corp", "two words", "münchen", "m$"] {
        assert!(check_user(Some(name)).is_ok(), "{name}");
    }
    assert!(check_user(None).is_ok());
    for name in ["", "-oProxyCommand=x", "-", "a -b", "a'b", "a\"b", "a;b", "$(x)", "`x`", "a\nUser b", "a\\", "a|b"] {
        assert!(check_user(Some(name)).is_err(), "{name:?}");
    }
}

#[test]
fn platforms_have_their_users() {
    for (platform, user) in [
        ("Amazon Linux", Some("ec2-user")),
        ("Ubuntu", Some("ubuntu")),
        ("Debian GNU/Linux", Some("admin")),
        ("Microsoft Windows Server 2022 Datacenter", Some("Administrator")),
        ("Red Hat Enterprise Linux Server", Some("ec2-user")),
        ("Plan 9", None),
    ] {
        assert_eq!(platform_user(platform), user, "{platform}");
    }
}

#[test]
fn a_key_of_ones_own_takes_the_place_of_a_pushed_one() {
    let login =
        |key: Option<&str>, no_push_key| Login { key: key.map(PathBuf::from), no_push_key, user: None, reason: None };
    let words = |line: &str| {
        let args: Vec<_> = shlex::split(line).unwrap().into_iter().map(OsString::from).collect();
        Words::read(crate::cli::commands::ssh::arguments::SSH, &args)
    };
    assert!(wants_temporary_key(&login(None, false), &words("-p 22 h")));
    assert!(!wants_temporary_key(&login(Some("k"), false), &words("h")));
    assert!(!wants_temporary_key(&login(None, true), &words("h")));
    for line in ["-i k h", "-o IdentityFile=k h", "-O check h", "-G h"] {
        assert!(!wants_temporary_key(&login(None, false), &words(line)), "{line}");
    }
    let options = key_options(&login(Some("/a%b"), false), None, &words("h"), &Configured::default());
    assert_eq!(options, ["-i", "/a%%b"]);
}
