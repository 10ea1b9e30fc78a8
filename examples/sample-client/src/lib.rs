//! A small web app that signs in with JioMeet and works with meetings; a template to copy.
