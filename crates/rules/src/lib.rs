//! Rules: files of recording and alerting rules, and the templates in them.

#![forbid(unsafe_code)]

pub mod file;
pub mod template;

pub use file::RuleFile;
pub use template::{AlertData, AlertValue, ExpandError, Host, Sample, Template, TemplateError};
