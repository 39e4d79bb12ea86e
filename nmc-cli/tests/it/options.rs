//! What holds for the options of every command, and what is made from them: completions and manual pages.

use crate::home::Home;
use crate::nmc::{Nmc, PROGRAM, Said};
use nmc_core::testing::TestDb;
use std::fs;

#[test]
fn completions_of_each_shell_name_the_commands() {
    let nmc = Nmc::bare().with("DATABASE_URL", "postgres://joe:hunter2@db.invalid/nmc");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = nmc.run(&["completions", shell]).ok().out;
        for word in ["conversation", "onboard", "--database-url"] {
            assert!(script.contains(word.trim_start_matches("--")), "{shell} lacks {word}");
        }
        // What an option takes is completed too, where the shell's script can.
        assert!(!["bash", "zsh", "fish"].contains(&shell) || script.contains("abandoned"), "{shell} lacks outcomes of calls");
        assert!(!script.contains("hunter2"));
    }
    nmc.run(&["completions", "tcsh"]).refused(2, "possible values: bash");
    let said = Said::by(nmc.command("bash").args(["-c", "source <(\"$0\" completions bash) && complete -p nmc", PROGRAM])).ok();
    assert!(said.out.contains("-F _nmc"), "bash takes it: {said:?}");
}

#[test]
fn manual_page_is_there_for_every_command() {
    let home = Home::new();
    let nmc = Nmc::bare().with("DATABASE_URL", "postgres://joe:hunter2@db.invalid/nmc").with("NMC_TENANT", "Secret Business");
    let page = nmc.run(&["man"]).ok().out;
    assert!(page.starts_with(".ie") || page.contains(".TH nmc 1"), "{page}");
    let page = nmc.run(&["man", "tenant", "onboard"]).ok().out;
    assert!(page.contains(".TH nmc-tenant-onboard 1") && page.contains("owner\\-email"), "{page}");
    nmc.run(&["man", "tenant", "onbord"]).refused(2, "there is no command tenant onbord; see nmc --help");

    let dir = home.beside("pages");
    nmc.run(&["man", "--dir", dir.to_str().expect("text")]).ok();
    let pages: Vec<_> = fs::read_dir(&dir).expect("pages").map(|page| page.expect("a page").path()).collect();
    assert!(pages.len() > 40, "{pages:?}");
    for page in &pages {
        let text = fs::read_to_string(page).expect("text");
        assert!(!text.contains("hunter2") && !text.contains("Secret Business"), "what the environment holds: {page:?}");
    }
    for name in ["nmc.1", "nmc-user-invite.1", "nmc-man.1"] {
        assert!(pages.iter().any(|page| page.ends_with(name)), "{name}");
    }
    nmc.run(&["man", "--dir", "/nonexistent/pages"]).refused(2, "--dir: /nonexistent/pages can't be written to");
}

#[test]
fn option_that_is_typed_wins_over_the_environment() {
    let (db, home) = (TestDb::new(), Home::migrated());
    let elsewhere = Nmc::bare().with("NMC_DATA_DIR", "/nonexistent/data");
    let url = db.url();
    elsewhere.run(&["tenant", "list", "--database-url", &url]).ok();
    elsewhere.run(&["--database-url", &url, "tenant", "list"]).ok();
    let dir = home.dir.to_str().expect("text");
    let other = Nmc::on("postgres://db.invalid/nmc");
    other.run(&["tenant", "list", "--data-dir", dir]).ok();
    // What the environment says can't be wrong then, on either side of the command's name.
    for (variable, wrong, option) in [
        ("NMC_LOG", "inof", ["--log", "info"]),
        ("NMC_LOG_FORMAT", "yaml", ["--log-format", "json"]),
        ("NMC_POOL_SIZE", "x", ["--pool-size", "3"]),
    ] {
        let nmc = Nmc::on(db.url()).with(variable, wrong);
        nmc.run(&["tenant", "list"]).refused(2, wrong);
        nmc.run(&[&option[..], &["tenant", "list"]].concat()).ok();
        nmc.run(&[&["tenant", "list"], &option[..]].concat()).ok();
        nmc.run(&["tenant", "list", &option.join("=")]).ok();
    }
    // Two of a kind are for nobody to guess.
    Nmc::bare().run(&["tenant", "list", "--data-dir", dir, "--database-url", &url]).refused(2, "choose one");
    Nmc::on(url).with("NMC_DATA_DIR", dir).run(&["tenant", "list"]).refused(2, "choose one");

    let token = home.beside("token").join("file");
    fs::write(&token, "0123\n").expect("a file");
    let token = token.to_str().expect("text");
    let twilio = Nmc::bare().with("TWILIO_ACCOUNT_SID", "AC0123").with("NMC_PUBLIC_URL", "https://nmc.example.com");
    let twilio = twilio.with("NMC_TWILIO_API_URL", "http://127.0.0.1:9").with("TWILIO_AUTH_TOKEN", "4567");
    let said = twilio.run(&["number", "search", "--twilio-auth-token-file", token]).code(3);
    assert!(!said.err.contains("choose one"), "{said:?}");
    twilio.with("TWILIO_AUTH_TOKEN_FILE", token).run(&["number", "search"]).refused(2, "choose one");
}

#[test]
fn zone_that_is_mistyped_is_suggested() {
    let said = Nmc::bare().run(&["tenant", "onboard", "--name", "Joe's Plumbing", "--timezone", "America/Chikago"]);
    said.refused(2, "did you mean America/Chicago?");
}

#[test]
fn log_filter_that_names_no_level_is_refused() {
    let nmc = Nmc::on("postgres://db.invalid/nmc");
    for filter in ["inof", "warn,nmc_cor", "nmc_core=inof"] {
        nmc.clone().with("NMC_LOG", filter).run(&["tenant", "list"]).refused(2, "it should be like debug, or warn,nmc_core=info");
        nmc.run(&["tenant", "list", "--log", filter]).refused(2, "--log");
    }
}
