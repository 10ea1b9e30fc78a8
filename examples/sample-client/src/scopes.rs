//! Scopes in the words that people read.

/// What someone lets this app do by granting `scope`, as the end of 'You let it …'.
pub fn in_words(scope: &str) -> &str {
    match scope {
        "user:read" => "See your name and e-mail address",
        "meeting:read" => "See your meetings, their details and participants",
        "meeting:create" => "Schedule meetings for you",
        "meeting:update" => "Change meetings that you created",
        "meeting:delete" => "Cancel meetings that you created",
        "meeting:join" => "Join meetings as you",
        "openid" => "Know that it is you who signs in",
        "profile" => "See your name",
        "email" => "See your e-mail address",
        other => other,
    }
}

/// One scope on a page: its technical name and its words.
pub struct ScopeLine {
    /// The name that travels, such as `meeting:read`.
    pub name: String,
    /// The same for people.
    pub words: String,
}

/// The given scopes as lines, in the given order.
pub fn lines<'a>(scopes: impl IntoIterator<Item = &'a String>) -> Vec<ScopeLine> {
    let line = |name: &String| ScopeLine { name: name.clone(), words: in_words(name).to_owned() };
    scopes.into_iter().map(line).collect()
}
