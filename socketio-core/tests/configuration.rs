//! Options from elsewhere: a file, the environment, and those for one environment.

use std::{collections::HashMap, env, process::Command, time::Duration};

use config::{Environment, File, FileFormat};
use socketio_core::{Config, Cookie, Endpoint, Limits, SocketIo, Transport};

/// The path of a server that has one for production.
fn path(config: Config) -> String {
    let builder = SocketIo::builder()
        .configure("production", |builder| builder.path("/production"))
        .configure("test", |builder| builder.path("/test"))
        .config(config);
    Endpoint::from(&builder.build().expect("valid options")).path().to_owned()
}

#[test]
fn the_options_for_an_environment_hold_there_alone() {
    let within = |environment: &str| {
        path(Config { environment: Some(environment.to_owned()), ..Config::default() })
    };
    assert_eq!(within("production"), "/production");
    assert_eq!(within("test"), "/test");
    assert_eq!(within("elsewhere"), "/socket.io");
}

#[test]
fn options_for_an_environment_may_be_nested_and_come_last() {
    let io = SocketIo::builder()
        .configure("development", |builder| {
            builder
                .path("/first")
                .configure("development", |builder| builder.path("/last"))
                .configure("production", |builder| builder.path("/never"))
        })
        .environment("development")
        .path("/before")
        .build()
        .expect("valid options");
    assert_eq!(Endpoint::from(&io).path(), "/last");
}

#[test]
fn a_wrong_option_for_an_environment_is_an_error_there() {
    let builder = SocketIo::builder().configure("production", |builder| builder.transports([]));
    assert!(builder.clone().environment("test").build().is_ok());
    let error = builder.environment("production").build().expect_err("no transport");
    assert_eq!(error.to_string(), "transports: none is enabled");
}

/// Runs this test once more, in a process that has the variable.
#[test]
fn a_variable_names_the_environment() {
    const VARIABLE: &str = "SOCKETIO_ENV";
    const OUTER: &str = "SOCKETIO_ENV_OF_TEST";
    match env::var(OUTER) {
        Ok(expected) => {
            assert_eq!(path(Config::default()), expected);
            let named = Config { environment: Some("test".into()), ..Config::default() };
            assert_eq!(path(named), "/test");
        }
        Err(_) => {
            for (value, expected) in [(Some("production"), "/production"), (None, "/socket.io")] {
                let mut again = Command::new(env::current_exe().expect("this program"));
                again.args(["--exact", "a_variable_names_the_environment"]);
                again.env(OUTER, expected).env_remove(VARIABLE);
                again.envs(value.map(|value| (VARIABLE, value)));
                let output = again.output().expect("a process");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            }
        }
    }
}

/// Options as the crate `config` reads them: those of a file, and over them those of the
/// environment.
fn read(file: &str, variables: &[(&str, &str)]) -> Result<Config, config::ConfigError> {
    let variables: HashMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = Environment::with_prefix("SOCKETIO")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("allowed_origins")
        .with_list_parse_key("transports")
        .source(Some(variables));
    config::Config::builder()
        .add_source(File::from_str(file, FileFormat::Json))
        .add_source(environment)
        .build()?
        .try_deserialize()
}

#[test]
fn a_variable_takes_the_place_of_what_a_file_has() {
    let file = r#"{ "path": "/realtime", "ping_interval": 10000, "limits": { "handlers": 16 } }"#;
    let variables = [
        ("SOCKETIO_ENV", "production"),
        ("SOCKETIO_PING_INTERVAL", "5000"),
        ("SOCKETIO_ALLOWED_ORIGINS", "https://a.example,https://b.example"),
        ("SOCKETIO_TRANSPORTS", "websocket"),
        ("SOCKETIO_COOKIE", "true"),
        ("SOCKETIO_LIMITS__NAMESPACES", "5"),
    ];
    let expected = Config {
        allowed_origins: Some(vec!["https://a.example".into(), "https://b.example".into()]),
        cookie: Some(Cookie::default()),
        environment: Some("production".to_owned()),
        limits: Limits { handlers: 16, namespaces: 5, ..Limits::default() },
        path: Some("/realtime".to_owned()),
        ping_interval: Duration::from_secs(5),
        transports: vec![Transport::WebSocket],
        ..Config::default()
    };
    assert_eq!(read(file, &variables).expect("options"), expected);
}

#[test]
fn a_variable_that_is_no_option_is_an_error() {
    let error = read("{}", &[("SOCKETIO_PING_INTERVALL", "5000")]).expect_err("no option");
    assert!(error.to_string().contains("`ping_intervall`"), "{error}");
}
