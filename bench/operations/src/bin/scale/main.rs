//! What a connection, an event and a delivery cost as the work grows, in memory: `scale NAME` prints
//! a table. Without arguments it prints the names.
//!
//! Each table wants a process of its own: memory that one has freed would be used again by the next.

mod connections;
mod measure;
mod namespaces;
mod rooms;
mod table;
mod threads;

use std::{env, process::ExitCode};

use self::table::Table;

/// Measures at each of these sizes.
type Measurement = fn(&[usize]) -> Table;

const MEASUREMENTS: [(&str, Measurement, &[usize]); 8] = [
    ("connections", connections::connections, &[1000, 3000, 10_000, 30_000, 100_000]),
    ("broadcast", rooms::broadcast, &[1000, 3000, 10_000, 30_000, 100_000]),
    ("room", rooms::room, &[1, 10, 100, 1000, 10_000, 50_000]),
    ("memberships", rooms::memberships, &[1, 10, 100]),
    ("crowd", rooms::crowd, &[1000, 10_000, 100_000]),
    ("namespaces", namespaces::namespaces, &[1, 10, 100, 1000, 10_000]),
    ("joined", namespaces::joined, &[1, 10, 99]),
    ("threads", threads::threads, &[1, 2]),
];

fn main() -> ExitCode {
    let Some(name) = env::args().nth(1) else {
        MEASUREMENTS.iter().for_each(|(name, ..)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let Some((_, measure, sizes)) = MEASUREMENTS.iter().find(|(known, ..)| *known == name) else {
        eprintln!("scale NAME");
        return ExitCode::FAILURE;
    };
    print!("{}", measure(sizes));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measurement_gets_the_replies_it_expects() {
        for (name, measure, _) in MEASUREMENTS {
            let text = measure(&[1, 2]).to_string();
            assert!(text.lines().filter(|line| line.starts_with("| ")).count() >= 4, "{text}");
            assert!(!text.contains("NaN") && !text.contains("inf"), "{name}: {text}");
        }
    }
}
