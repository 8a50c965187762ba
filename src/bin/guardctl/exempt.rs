//! `guardctl exempt`: the exemptions of the bucket, by the guard's own verdict. What is written holds, or it is not
//! written; and it is written only over what was read.

mod add;
mod end;
mod list;

use std::collections::BTreeMap;

use ecs_privileged_guard::aws::{Expect, Object, Written};
use ecs_privileged_guard::domain::arn::Family;
use ecs_privileged_guard::domain::exemption::{Exemption, Found};
use ecs_privileged_guard::domain::keys;

pub(crate) use self::add::{Until, family, run as add};
pub(crate) use self::end::run as end;
pub(crate) use self::list::run as list;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::session::Guard;
use crate::trouble::Trouble;

/// The family's exemption as it is stored.
pub(crate) async fn read(guard: &Guard, family: &Family) -> Result<Option<Object>, Trouble> {
    let key = keys::exemption(&guard.home, family);
    let failed = || format!("the exemption of {family}, {}, could not be read", guard.address(&key));
    guard.aws.bucket.get(&key).await.map_err(|failure| trouble(failed(), &failure))
}

/// All that are stored, in order of their families; what is gone since it was listed is none.
pub(crate) async fn all(guard: &Guard) -> Result<Vec<(Family, Option<Object>)>, Trouble> {
    let prefix = keys::exemptions(&guard.home);
    let listed = guard.aws.bucket.list(&prefix).await;
    let listed = listed.map_err(|failure| trouble("the exemptions could not be listed", &failure))?;
    let mut all = Vec::new();
    for family in listed.iter().filter_map(|object| keys::family_below(&prefix, &object.key)) {
        let object = read(guard, &family).await?;
        all.push((family, object));
    }
    Ok(all)
}

/// The same, as the verdict takes it.
pub(crate) fn found(object: Option<&Object>) -> Found {
    match object {
        None => Found::Nothing,
        Some(object) => Found::Object { text: object.text.clone(), written_at: object.written_at },
    }
}

/// All of them, as the verdict takes them.
pub(crate) async fn all_found(guard: &Guard) -> Result<BTreeMap<Family, Found>, Trouble> {
    Ok(all(guard).await?.into_iter().map(|(family, object)| (family, found(object.as_ref()))).collect())
}

/// Writes it in the place of what was read.
pub(crate) async fn write(
    guard: &Guard,
    family: &Family,
    exemption: &Exemption,
    over: Option<&Object>,
) -> Result<(), Trouble> {
    let key = keys::exemption(&guard.home, family);
    let expect = over.map_or(Expect::Nothing, |object| Expect::Etag(object.etag.clone()));
    let failed = || format!("the exemption of {family}, {}, could not be written", guard.address(&key));
    match guard.aws.bucket.put(&key, &exemption.to_json(), &expect).await {
        Ok(Written::Yes(_)) => Ok(()),
        Ok(Written::Changed) => Err(Trouble::new(Exit::Failed, failed())
            .cause("somebody else has written or deleted it meanwhile")
            .hint(format!("{} shows it", guard.command("exempt list")))),
        Err(failure) if failure.may_be_done() => {
            let world = "Whether it was written is not known.";
            Err(trouble(failed(), &failure).hint(format!("{} says", guard.command("exempt list"))).world(world))
        }
        Err(failure) => Err(trouble(failed(), &failure)),
    }
}
