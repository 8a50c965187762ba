//! Who applies: somebody whose copies the functions take for the guard's own, so that backout can undo them. They judge by
//! the name of the role that ECS has in `registeredBy`.

use ecs_privileged_guard::domain::policy::{Policy, role_of};

use crate::exit::Exit;
use crate::failure::trouble;
use crate::session::Guard;
use crate::trouble::Trouble;

/// The ARN of whoever is signed in; a refusal if backout could not undo what they register.
pub(super) async fn somebody_of_ours(guard: &Guard, policy: &Policy) -> Result<String, Trouble> {
    let who = guard.session.who().await;
    let who = who.map_err(|failure| trouble("who is signed in could not be found out", &failure))?;
    if policy.may_be_applied(Some(&who)) {
        return Ok(who);
    }
    let roles: Vec<String> = policy.apply_roles.iter().map(ToString::to_string).collect();
    let roles = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
    let what = format!("backout could not undo what {who} registers");
    let why = format!("the roles whose people may apply plans, by the guard's APPLY_ROLES: {roles}");
    let hint = match role_of(&who) {
        Some(role) => format!("deploy the stack with ApplyRoles={role}"),
        None => "sign in with a role that ApplyRoles of the stack names; a user cannot be named there".to_owned(),
    };
    Err(Trouble::new(Exit::Refused, what).cause(&why).hint(hint))
}
