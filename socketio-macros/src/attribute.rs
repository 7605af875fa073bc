use syn::{DeriveInput, Error, Ident, LitStr, Path, Result, Type};

/// What `#[event(…)]` says, with the default name where it says none.
pub(crate) struct Attribute {
    pub(crate) name: LitStr,
    pub(crate) ack: Option<Type>,
    pub(crate) location: Option<Path>,
}

/// The names that stand for the life of a socket, on either side.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

impl Attribute {
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let (mut name, mut ack, mut location) = (None, None, None);
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("event")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    name = Some(meta.value()?.parse::<LitStr>()?);
                } else if meta.path.is_ident("ack") {
                    ack = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("crate") {
                    location = Some(meta.value()?.call(Path::parse_mod_style)?);
                } else {
                    return Err(
                        meta.error("expected `name = \"…\"`, `ack = Type` or `crate = path`")
                    );
                }
                Ok(())
            })?;
        }
        let name =
            name.unwrap_or_else(|| LitStr::new(&camel_case(&input.ident), input.ident.span()));
        if RESERVED.contains(&name.value().as_str()) {
            let message = format!("{:?} is a reserved event name", name.value());
            return Err(Error::new(name.span(), message));
        }
        Ok(Self { name, ack, location })
    }
}

/// As serde does it: types have camel case already, but for the first letter.
fn camel_case(ident: &Ident) -> String {
    let name = ident.to_string();
    let name = name.trim_start_matches("r#");
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn name(input: DeriveInput) -> std::result::Result<String, String> {
        match Attribute::of(&input) {
            Ok(attribute) => Ok(attribute.name.value()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_name_is_the_types_unless_it_is_given() {
        assert_eq!(
            name(parse_quote!(
                struct UserJoined;
            )),
            Ok("userJoined".into())
        );
        assert_eq!(
            name(parse_quote!(
                struct r#Type;
            )),
            Ok("type".into())
        );
        assert_eq!(
            name(parse_quote!(
                #[event(name = "user connected")]
                struct Joined;
            )),
            Ok("user connected".into())
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let reserved = "\"disconnect\" is a reserved event name";
        assert_eq!(
            name(parse_quote!(
                struct Disconnect;
            )),
            Err(reserved.into())
        );
        let unknown = name(parse_quote!(
            #[event(acknowledgement = u8)]
            struct Ask;
        ));
        assert!(unknown.is_err_and(|error| error.starts_with("expected `name = \"…\"`")));
    }
}
