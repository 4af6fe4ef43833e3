//! Access as its users see it, against a server that can be made to misbehave.
