//! One macro that makes a section of the configuration: its struct, and the annotated lines of the sample file.
//!
//! The sample is also the set of defaults (see [`super::Config::load`]), so the two cannot differ.

/// One key as the sample shows it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The key's name inside its section.
    pub name: &'static str,
    /// What it means, a line each.
    pub doc: &'static [&'static str],
    /// Its value in TOML; a leading `#` leaves the key unset.
    pub sample: &'static str,
}

/// One section as the sample shows it.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The table's name.
    pub name: &'static str,
    /// What it is about.
    pub doc: &'static [&'static str],
    /// Its keys, in order.
    pub keys: &'static [Key],
    /// There may be any number of it, each an element `[[name]]`; the sample has none.
    pub repeated: bool,
}

macro_rules! section {
    (
        $(#[doc = $doc:literal])+
        $name:literal => pub struct $type:ident { $($keys:tt)+ }
    ) => {
        $crate::config::section::section! { @of false, $(#[doc = $doc])+ $name => pub struct $type { $($keys)+ } }
    };
    (
        $(#[doc = $doc:literal])+
        [$name:literal] => pub struct $type:ident { $($keys:tt)+ }
    ) => {
        $crate::config::section::section! { @of true, $(#[doc = $doc])+ $name => pub struct $type { $($keys)+ } }
    };
    (
        @of $repeated:literal,
        $(#[doc = $doc:literal])+
        $name:literal => pub struct $type:ident {
            $( $(#[doc = $key_doc:literal])+ $key:ident: $key_type:ty = $sample:literal, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $type {
            $( $(#[doc = $key_doc])+ pub $key: $key_type, )+
        }

        impl $type {
            /// The section as the annotated sample shows it.
            pub const SECTION: $crate::config::section::Section = $crate::config::section::Section {
                name: $name,
                doc: &[$($doc),+],
                keys: &[$( $crate::config::section::Key { name: stringify!($key), doc: &[$($key_doc),+], sample: $sample }, )+],
                repeated: $repeated,
            };
        }
    };
}

pub(crate) use section;
