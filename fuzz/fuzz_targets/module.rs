#![no_main]

#[path = "../../crates/platform/tests/module_and_rule/mod.rs"]
mod module_and_rule;

use std::cell::RefCell;

use module_and_rule::ModuleAndRule;

thread_local! {
    static BOTH: RefCell<ModuleAndRule> = RefCell::new(ModuleAndRule::new());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| BOTH.with_borrow_mut(|both| both.check(bytes)));
