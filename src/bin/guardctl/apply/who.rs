//! Who applies: somebody whose copies the functions take for the guard's own. Backout and sweep judge by the name of the
//! role that ECS has in `registeredBy`, and withdraw nothing that others have registered.

use ecs_privileged_guard::domain::policy::{Policy, role_of};

use crate::exit::Exit;
use crate::failure::trouble;
use crate::session::Guard;
use crate::trouble::Trouble;

/// The ARN of whoever is signed in; a refusal if backout could not undo what they register.
pub(super) async fn somebody_of_ours(guard: &Guard, policy: &Policy) -> Result<String, Trouble> {
    let who = guard.session.who().await;
    let who = who.map_err(|failure| trouble("who is signed in could not be found out", &failure))?;
    let account = guard.home.account();
    // arn:PARTITION:sts:REGION:ACCOUNT:…
    if who.split(':').nth(4) != Some(account) {
        let what = format!("{who} is not of account {account}, which is guarded");
        return Err(Trouble::new(Exit::Refused, what).hint("--profile signs in with another role"));
    }
    if policy.is_ours(Some(&who)) {
        return Ok(who);
    }
    let ours: Vec<String> = policy.guard_roles.iter().map(ToString::to_string).collect();
    let what = format!("backout could not undo what {who} registers");
    let why = format!("the guard's functions take for theirs what these roles register: {}", ours.join(", "));
    let hint = match role_of(&who) {
        Some(role) => format!(
            "deploy the stack with ApplyRoles={role}, a role that registers nothing else: all that it registers counts \
             as the guard's"
        ),
        None => "sign in with a role that ApplyRoles of the stack names; a user cannot be named there".to_owned(),
    };
    Err(Trouble::new(Exit::Refused, what).cause(&why).hint(hint))
}
