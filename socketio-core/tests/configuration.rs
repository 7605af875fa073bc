//! Options from elsewhere: a file, the environment, and those for one environment.

use std::{env, process::Command};

use socketio_core::{Config, Endpoint, SocketIo};

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
