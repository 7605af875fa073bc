use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::Span;
use syn::{Error, Ident, Path, Result, parse_quote};

/// The crates that have the trait. The core is the last, as one that has an adapter among its
/// dependencies often has the core among those of its tests.
const CRATES: [&str; 5] =
    ["socketio-axum", "socketio-actix", "socketio-warp", "socketio-tower", "socketio-core"];

/// Finds one of them in the `Cargo.toml` of the crate that is compiled.
pub(crate) fn find() -> Result<Path> {
    let found = CRATES.iter().find_map(|name| match crate_name(name).ok()? {
        // Its examples and the code in its docs know it by its name only.
        FoundCrate::Itself => Some(name.replace('-', "_")),
        FoundCrate::Name(name) => Some(name),
    });
    let name = found.ok_or_else(|| {
        let message = format!(
            "none of {} is a dependency: say where the trait is by `#[event(crate = path)]`",
            CRATES.join(", ")
        );
        Error::new(Span::call_site(), message)
    })?;
    let ident = Ident::new(&name, Span::call_site());
    Ok(parse_quote!(::#ident))
}
