//! Data in, configuration or its error out.
#![allow(clippy::unwrap_used)]

use super::*;

/// What a file with this text and these variables are together.
fn read(file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let table = file.parse().unwrap();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let config =
        layers::merged(Some(table), &variables).and_then(|table| Config::of(table, &variables));
    config.map_err(|error| error.to_string())
}

/// A file that goes when the test does.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn temporary(name: &str, text: &str) -> Temporary {
    let path =
        std::env::temp_dir().join(format!("heliograph-config-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    Temporary(path)
}

#[test]
fn the_defaults_are_complete_and_nothing_in_them_is_unknown() {
    let config = read("", &[]).unwrap();
    assert_eq!(config.public.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.sessions.open_tier, None);
    assert!(
        config.admin.token.is_none()
            && config.database.url.is_none()
            && config.discord.bot_token.is_none()
    );
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn every_file_we_ship_is_a_configuration() {
    let development = include_str!("../../config/development.toml");
    let config = read(development, &[]).unwrap();
    assert_eq!(config.sessions.open_tier, Some(9));
    assert_eq!(config.public.picture_sources, "https: http://127.0.0.1:*");
    assert_eq!(config.discord.bot_token.unwrap().expose(), "demo-bot-token");
    // Its token files are not on this machine: given directly, they are not read.
    let production = include_str!("../../config/production.example.toml");
    let tokens = [
        ("HELIOGRAPH_ADMIN_TOKEN", "a"),
        ("HELIOGRAPH_DISCORD_BOT_TOKEN", "b"),
    ];
    assert_eq!(
        read(production, &tokens).unwrap().log.format,
        LogFormat::Json
    );
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let file =
        "[public]\nthreads = 2\nlisten = \"127.0.0.1:1\"\n[database]\nurl = \"postgresql:///file\"";
    let config = read(
        file,
        &[
            ("HELIOGRAPH_PUBLIC_LISTEN", "0.0.0.0:0"),
            ("HELIOGRAPH_SESSIONS_OPEN_TIER", "0"),
            ("HELIOGRAPH_ADMIN_SECURE_COOKIE", "true"),
        ],
    )
    .unwrap();
    assert!(config.admin.secure_cookie);
    assert_eq!(
        (
            config.public.listen.to_string().as_str(),
            config.public.threads
        ),
        ("0.0.0.0:0", 2)
    );
    assert_eq!(config.sessions.open_tier, Some(0));
    assert_eq!(config.database.url.unwrap().expose(), "postgresql:///file");
    let config = read(
        file,
        &[
            ("DATABASE_URL", "postgresql:///env"),
            ("PG_BIN", "/opt/pg/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.database.url.unwrap().expose(), "postgresql:///env");
    assert_eq!(config.database.bin_dir, Some(PathBuf::from("/opt/pg/bin")));
    let both = [
        ("DATABASE_URL", "postgresql:///env"),
        ("HELIOGRAPH_DATABASE_URL", "postgresql:///ours"),
    ];
    assert_eq!(
        read(file, &both).unwrap().database.url.unwrap().expose(),
        "postgresql:///ours"
    );
}

#[test]
fn what_is_wrong_is_named() {
    // file, variables, words of the error
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let table: [Case<'_>; 20] = [
        ("[public]\nlistn = \"x\"", &[], "public.listn is no key"),
        ("[pubic]\nlisten = \"x\"", &[], "pubic.listen is no key"),
        ("threads = 1", &[], "threads is no key"),
        (
            "[public]\nthreads = \"two\"",
            &[],
            "public.threads: expected an integer, not a string",
        ),
        (
            "[public]\nthreads = 1.5",
            &[],
            "public.threads: expected an integer",
        ),
        (
            "[public]\nthreads = -1",
            &[],
            "public.threads: expected an integer from 0",
        ),
        (
            "[public]\nlisten = \"8080\"",
            &[],
            "public.listen: expected an address",
        ),
        ("[log]\nformat = \"xml\"", &[], "log.format: expected"),
        (
            "[public]\npicture_sources = \"https:; script-src *\"",
            &[],
            "public.picture_sources: expected schemes and hosts",
        ),
        (
            "[public]\npicture_sources = \"https:\\r\\nX-A: b\"",
            &[],
            "public.picture_sources: expected schemes and hosts",
        ),
        (
            "[public]\npicture_sources = \"'unsafe-inline'\"",
            &[],
            "public.picture_sources: expected schemes and hosts",
        ),
        (
            "[sessions]\nopen_tier = 101",
            &[],
            "sessions.open_tier: expected a tier",
        ),
        (
            "[sessions]\ncount_max = 0",
            &[],
            "sessions.count_max: must be at least 1",
        ),
        (
            "[sessions]\nsilence_ms_max = 25000",
            &[],
            "sessions.silence_ms_max: must be more",
        ),
        (
            "[mirrors]\nretry_delay_ms_min = 70000",
            &[],
            "mirrors.retry_delay_ms_min: must not be more",
        ),
        (
            "",
            &[("HELIOGRAPH_PUBLIC_LISTN", "x")],
            "HELIOGRAPH_PUBLIC_LISTN is no key",
        ),
        (
            "",
            &[("HELIOGRAPH_SESSION_COUNT_MAX", "1")],
            "HELIOGRAPH_SESSION_COUNT_MAX is no key",
        ),
        (
            "",
            &[("HELIOGRAPH_SESSIONS_COUNT_MAX", "many")],
            "HELIOGRAPH_SESSIONS_COUNT_MAX: expected an integer",
        ),
        (
            "[admin]\nlisten = \"0.0.0.0:8081\"",
            &[],
            "admin.listen: any address but loopback needs",
        ),
        (
            "[admin]\ntoken_file = \"/nonexistent/token\"",
            &[],
            "admin.token_file: /nonexistent/token cannot be read",
        ),
    ];
    for (file, variables, words) in table {
        let error = read(file, variables).unwrap_err();
        assert!(error.contains(words), "{file:?} {variables:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_open_admin_address_is_fine_with_a_token() {
    let file = "[admin]\nlisten = \"0.0.0.0:8081\"\ntoken = \"secret\"";
    assert_eq!(
        read(file, &[]).unwrap().admin.token.unwrap().expose(),
        "secret"
    );
}

#[test]
fn a_token_file_holds_one_token() {
    let good = temporary("good", "from-file\n");
    let file = format!("[discord]\nbot_token_file = {:?}", good.0);
    assert_eq!(
        read(&file, &[])
            .unwrap()
            .discord
            .bot_token
            .unwrap()
            .expose(),
        "from-file"
    );
    for text in ["", "two words"] {
        let bad = temporary("bad", text);
        let error = read(&format!("[admin]\ntoken_file = {:?}", bad.0), &[]).unwrap_err();
        assert!(
            error.contains("admin.token_file") && error.contains("one token"),
            "{error}"
        );
    }
}

#[test]
fn no_secret_shows() {
    let variables = [
        ("HELIOGRAPH_ADMIN_TOKEN", "hush"),
        ("DATABASE_URL", "postgresql://u:hush@h/d"),
    ];
    let shown = format!(
        "{:?}",
        read("[discord]\nbot_token = \"hush\"", &variables).unwrap()
    );
    assert!(shown.contains("***") && !shown.contains("hush"), "{shown}");
}

#[test]
fn the_file_is_named_by_option_or_variable_and_must_be_there() {
    let path = temporary("named", "[public]\nthreads = 7");
    let variables = [(
        "HELIOGRAPH_CONFIG".to_owned(),
        path.0.to_string_lossy().into_owned(),
    )];
    assert_eq!(Config::read(None, &variables).unwrap().public.threads, 7);
    let other = temporary("other", "[public]\nthreads = 8");
    assert_eq!(
        Config::read(Some(&other.0), &variables)
            .unwrap()
            .public
            .threads,
        8
    );
    let error = Config::read(Some(Path::new("/nonexistent.toml")), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("--config: /nonexistent.toml cannot be read"),
        "{error}"
    );
    let broken = temporary("broken", "[public\nthreads = 8");
    let error = Config::read(Some(&broken.0), &[]).unwrap_err().to_string();
    assert!(
        error.contains("line 1") && error.lines().count() == 1,
        "{error}"
    );
}
