use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::cli::ui::screen::Screen;
use crate::testing::Written;

fn ui() -> (Ui, Written) {
    let written = Written::default();
    (Ui::with_screen(Screen::new(Box::new(written.clone()), false), false, false), written)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_home_without_a_configuration_gets_one_for_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".ssh");
    let (ui, written) = ui();
    install(&ui, &folder, &text("P")).unwrap();
    let config = folder.join("config");
    assert_eq!((mode(&folder), mode(&config), mode(&folder.join("ssmx_config"))), (0o700, 0o600, 0o600));
    let included = fs::read_to_string(&config).unwrap();
    assert!(
        included.starts_with("Include ssmx_config\n") && included.ends_with("Match all\n    Include ssmx_config\n")
    );
    assert!(written.text().contains("Wrote ") && written.text().contains("Included it"), "{}", written.text());
    install(&ui, &folder, &text("P")).unwrap();
    assert_eq!(fs::read_to_string(&config).unwrap(), included);
    assert!(written.text().contains("Up to date: ") && written.text().contains("Already"), "{}", written.text());
    uninstall(&ui, &folder).unwrap();
    assert!(!folder.join("ssmx_config").exists());
    assert_eq!(fs::read(&config).unwrap(), b"");
    uninstall(&ui, &folder).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left lying about");
}

#[test]
fn a_home_that_does_not_exist_is_not_made() {
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("nobody");
    assert!(install(&ui().0, &home.join(".ssh"), &text("P")).is_err());
    assert!(!home.exists());
}

#[test]
fn links_and_modes_stay() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".ssh");
    fs::create_dir(&folder).unwrap();
    let real = home.path().join("dotfiles");
    fs::write(&real, "Host a\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("../dotfiles", folder.join("config")).unwrap();
    let (ui, _) = ui();
    install(&ui, &folder, &text("P")).unwrap();
    assert!(folder.join("config").is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("Include ssmx_config\nHost a\n"));
    assert_eq!(mode(&real), 0o640);
    uninstall(&ui, &folder).unwrap();
    assert_eq!(fs::read_to_string(&real).unwrap(), "Host a\n");

    // A link that leads to a file yet to come.
    fs::remove_file(&real).unwrap();
    install(&ui, &folder, &text("P")).unwrap();
    assert!(folder.join("config").is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("Include ssmx_config\n"));
}

#[test]
fn ssh_takes_it_for_instances_and_for_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let (ours, config) = (home.path().join("ours"), home.path().join("config"));
    fs::write(&ours, text("/bin/true --typed='%n' '%h' %p")).unwrap();
    let own = "Host mydb\n    HostName Web-1.ssmx\nHost byid\n    HostName i-0123456789abcdef0\n\
               Host elsewhere\n    HostName example.com\n";
    // From the path of a file, as OpenSSH looks for others in the home of the account.
    let include =
        |line: &[u8]| String::from_utf8_lossy(line).replace(include::FILE, &format!("\"{}\"", ours.display()));
    fs::write(&config, include(&include::include(own.as_bytes()))).unwrap();
    for (host, is_ours) in [
        ("web-1.ssmx", true),
        ("Web-1.SSMX", true),
        ("i-0123456789abcdef0", true),
        ("mi-0123456789abcdef0", true),
        ("mydb", true),
        ("byid", true),
        ("elsewhere", false),
        ("i-database.example.com", false),
        ("example.com", false),
        // The quotes of a shell end there. Newer versions of OpenSSH refuse such a name themselves.
        ("a'$(touch x)'.ssmx", false),
        ("a\\.ssmx", false),
    ] {
        let output = std::process::Command::new("ssh").arg("-G").arg("-F").arg(&config).arg(host).output().unwrap();
        let settings = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() || !is_ours, "{output:?}");
        assert_eq!(settings.contains("proxycommand /bin/true --typed="), is_ours, "{host}: {settings}");
    }
}
