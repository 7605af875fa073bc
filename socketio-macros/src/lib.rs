//! The derive of `socketio-core`, which re-exports it with its feature `derive`.

mod attribute;
mod location;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

use self::attribute::Attribute;

/// Makes a type an event. See the trait of the same name, which has the documentation.
#[proc_macro_derive(Event, attributes(event))]
pub fn event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let Attribute { name, ack, location } = Attribute::of(input)?;
    let location = location.map_or_else(location::find, Ok)?;
    let ack = ack.map_or_else(|| quote!(#location::NoAck), |ack| quote!(#ack));
    let (ident, (impl_generics, type_generics, where_clause)) =
        (&input.ident, input.generics.split_for_impl());
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #location::Event for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;
            type Ack = #ack;
        }
    })
}
