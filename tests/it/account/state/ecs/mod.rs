//! ECS: its operations by name, the knobs that make it behave in each documented or suspected way.
//! What a task definition is and who runs it are in the files beside this one.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html>

mod cluster;
mod deployments;
mod listing;
mod registration;
mod revision;
mod services;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::value::RawValue;

pub use self::cluster::{Cluster, Task};
pub use self::deployments::{CircuitBreaker, Deployment, News, ServiceDeployment};
pub use self::registration::{OUTPUT_MEMBERS, privileged};
pub use self::revision::{Mutilation, Place, Revision, Status, Tag};
pub use self::services::Service;
use super::super::http::{Request, hex, text_of_hex};
use super::document::{Document, array, quoted};
use super::{Caller, Refusal};

/// What `x-amz-target` begins with.
pub const TARGET: &str = "AmazonEC2ContainerServiceV20141113.";

/// How ECS behaves where its documentation leaves a choice, or a test wants the worse of two.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each knob is a question of its own")]
pub struct Knobs {
    /// Lists that are sets come back in another order (seen by Terraform's provider). On.
    pub reorders_sets: bool,
    /// Describe shows default values that nobody sent. On.
    pub adds_defaults: bool,
    /// An INACTIVE revision that nothing uses can still be described, as the guide says; the API reference, newer,
    /// says it cannot. Off, the harder of the two.
    pub describes_inactive: bool,
    /// Output-only members in a registration are ignored, not refused. Off: what a client sends is proven clean.
    pub accepts_output_members: bool,
    /// A revision can still be deployed in the first ten minutes after it was deregistered, as the API reference warns.
    /// Off.
    pub deploys_recently_deregistered: bool,
    /// No page is longer than this, whatever `maxResults` says.
    pub page_length_max: usize,
    /// Each page is preceded by an empty one with a token.
    pub empty_pages: bool,
    /// The last page leads to the first one again: a broken service.
    pub goes_round: bool,
    /// What registrations lose or change from now on.
    pub mutilates: Option<Mutilation>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            reorders_sets: true,
            adds_defaults: true,
            describes_inactive: false,
            accepts_output_members: false,
            deploys_recently_deregistered: false,
            page_length_max: 100,
            empty_pages: false,
            goes_round: false,
            mutilates: None,
        }
    }
}

/// Families with all revisions they ever had, daemon families, clusters.
#[derive(Debug, Clone, Default)]
pub struct Ecs {
    pub knobs: Knobs,
    families: BTreeMap<String, Vec<Revision>>,
    daemons: BTreeMap<String, Vec<Revision>>,
    clusters: BTreeMap<String, Cluster>,
    /// Families whose newest revision is not seen yet, for how many reads more, and until when at the latest.
    stale: BTreeMap<String, (u32, Timestamp)>,
    /// What happened to deployments and was not told yet, with cluster and service.
    news: Vec<(String, String, News)>,
}

impl Ecs {
    /// One call.
    pub fn call(&mut self, operation: &str, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        match operation {
            "RegisterTaskDefinition" => self.register(input, caller),
            "DescribeTaskDefinition" => self.describe(input, caller),
            "DeregisterTaskDefinition" => self.deregister(input, caller),
            "DeleteTaskDefinitions" => self.delete(input, caller),
            "ListTaskDefinitions" => self.list_task_definitions(input, caller),
            "ListTaskDefinitionFamilies" => self.list_families(input),
            "RegisterDaemonTaskDefinition" => self.register_daemon(input, caller),
            "DescribeDaemonTaskDefinition" => self.describe_daemon(input, caller),
            "ListClusters" => self.list_clusters(input, caller),
            "ListServices" => self.list_services(input, caller),
            "DescribeServices" => self.describe_services(input, caller),
            "ListServiceDeployments" => self.list_service_deployments(input, caller),
            "CreateService" => self.create_service(input, caller),
            "UpdateService" => self.update_service(input, caller),
            "ListTasks" => self.list_tasks(input, caller),
            "DescribeTasks" => self.describe_tasks(input, caller),
            _ => Err(Refusal::new(400, "UnknownOperationException", "The operation is not known to this account")),
        }
    }

    /// The revision `web:12`, whatever its status; not one that is gone.
    pub fn revision(&self, id: &str) -> Option<&Revision> {
        let (family, index) = place_of(id)?;
        self.families.get(family)?.get(index).filter(|revision| revision.status != Status::Gone)
    }

    fn revision_mut(&mut self, id: &str) -> Option<&mut Revision> {
        let (family, index) = place_of(id)?;
        self.families.get_mut(family)?.get_mut(index).filter(|revision| revision.status != Status::Gone)
    }

    /// The numbers of a family's ACTIVE revisions, ascending.
    pub fn active(&self, family: &str) -> Vec<usize> {
        let revisions = self.families.get(family).into_iter().flatten();
        revisions.filter(|revision| revision.status == Status::Active).map(|revision| revision.number).collect()
    }

    /// What the bare family's name stands for now, like `web:12`.
    pub fn latest(&self, family: &str) -> Option<String> {
        self.active(family).last().map(|number| format!("{family}:{number}"))
    }

    /// Every revision that a family ever had and that is not gone, oldest first.
    pub fn revisions(&self, family: &str) -> impl Iterator<Item = &Revision> {
        let revisions = self.families.get(family).into_iter().flatten();
        revisions.filter(|revision| revision.status != Status::Gone)
    }

    /// What happened to deployments since this was asked last.
    pub(super) fn take_news(&mut self) -> Vec<(String, String, News)> {
        std::mem::take(&mut self.news)
    }

    /// A cluster's service.
    pub fn service(&self, cluster: &str, service: &str) -> Option<&Service> {
        self.clusters.get(cluster)?.services.get(service)
    }
}

/// Set-up past the wire.
impl Ecs {
    /// Tags a revision as AWS itself does, `aws:` allowed.
    ///
    /// # Panics
    /// When there is no such revision.
    pub fn tag(&mut self, id: &str, key: &str, value: &str) {
        let revision = self.revision_mut(id).expect("a revision");
        revision.tags.push(Tag { key: quoted(key), value: Some(quoted(value)) });
    }

    /// Ends the deletion of a revision: it cannot be described any more, and its number is never given again.
    ///
    /// # Panics
    /// When there is no such revision.
    pub fn finish_deletion(&mut self, id: &str) {
        self.revision_mut(id).expect("a revision").status = Status::Gone;
    }

    /// Hides a family's newest revision from the next reads of it, as an eventually consistent store does.
    pub fn hide_newest(&mut self, family: &str, reads: u32) {
        self.hide_newest_until(family, reads, Timestamp::MAX);
    }

    /// The same, and no longer than until `end`.
    pub fn hide_newest_until(&mut self, family: &str, reads: u32, end: Timestamp) {
        self.stale.insert(family.to_owned(), (reads, end));
    }

    /// A family of so many revisions, all the same but for what makes them one, quickly and without events.
    ///
    /// # Panics
    /// When the input is no JSON object.
    pub fn fill(&mut self, family: &str, count: usize, input: &str, registered_by: &str, registered_at: Timestamp) {
        let mut input = Document::parse(input.as_bytes()).expect("the input is a JSON object");
        input.set("family", quoted(family));
        let revisions = self.families.entry(family.to_owned()).or_default();
        revisions.extend((revisions.len() + 1..).take(count).map(|number| Revision {
            number,
            status: Status::Active,
            input: input.clone(),
            tags: Vec::new(),
            registered_by: registered_by.to_owned(),
            registered_at,
            deregistered_at: None,
            delete_requested_at: None,
        }));
    }

    /// The names of the families that ever had a revision.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.families.keys().map(String::as_str)
    }

    /// Takes these families out of the account, and the services that bear their names, and their tasks.
    pub(super) fn part(&mut self, families: &BTreeSet<String>) -> Self {
        let is_taken = |name: &String| families.contains(name);
        let mut part = Self { knobs: self.knobs.clone(), ..Self::default() };
        part.families = families.iter().filter_map(|name| self.families.remove_entry(name)).collect();
        part.stale = families.iter().filter_map(|name| self.stale.remove_entry(name)).collect();
        for (name, cluster) in &mut self.clusters {
            let (taken, kept) = std::mem::take(&mut cluster.services).into_iter().partition(|(it, _)| is_taken(it));
            cluster.services = kept;
            part.cluster(name).services = taken;
            let of = |task: &Task| task.task_definition.split(':').next().is_some_and(|name| families.contains(name));
            let (taken, kept) = std::mem::take(&mut cluster.tasks).into_iter().partition(|(_, task)| of(task));
            cluster.tasks = kept;
            part.cluster(name).tasks = taken;
        }
        part
    }

    /// A cluster, made if need be.
    pub fn cluster(&mut self, name: &str) -> &mut Cluster {
        self.clusters.entry(name.to_owned()).or_default()
    }

    /// Somebody deletes a cluster with all that is in it.
    pub fn delete_cluster(&mut self, name: &str) {
        self.clusters.remove(name);
    }

    /// Whether a task that is not stopped, or a service, runs this revision.
    fn in_use(&self, family: &str, number: usize) -> bool {
        let id = format!("{family}:{number}");
        self.clusters.values().any(|cluster| cluster.uses(&id))
    }
}

/// The family of `web:12`, and the place of the revision among the family's.
fn place_of(id: &str) -> Option<(&str, usize)> {
    let (family, number) = id.split_once(':')?;
    Some((family, number.parse::<usize>().ok()?.checked_sub(1)?))
}

/// The operation that a request names.
pub fn operation_of(request: &Request) -> String {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.strip_prefix(TARGET).unwrap_or("UnknownOperation").to_owned()
}

/// What a request is about: a task definition, a family, a service, a cluster.
pub fn resource_of(body: &[u8]) -> String {
    let members = ["taskDefinition", "family", "familyPrefix", "service", "cluster", "daemonTaskDefinition"];
    let resource = |input: Document| members.iter().find_map(|member| input.text(member));
    let resource = Document::parse(body).and_then(resource).unwrap_or_default();
    match resource.rsplit_once(":task-definition/") {
        Some((_, id)) => id.to_owned(),
        None => resource,
    }
}

/// A page of what comes in the order of its keys: the values, and where the next page begins.
fn page(
    items: impl Iterator<Item = (String, String)>,
    input: &Document,
    knobs: &Knobs,
    descending: bool,
    length_default: usize,
) -> Result<(Vec<String>, Option<String>), Refusal> {
    let length = match input.get("maxResults").map(RawValue::get) {
        None | Some("null") => length_default,
        Some(number) => {
            let number = number.parse().ok().filter(|length| (1..=100).contains(length));
            number.ok_or_else(|| Refusal::parameter("maxResults must be between 1 and 100"))?
        }
    };
    let token = Token::of(input)?;
    let is_left =
        |key: &String| token.last.as_ref().is_none_or(|last| if descending { key < last } else { key > last });
    let mut items = items.filter(|(key, _)| is_left(key)).peekable();
    if knobs.empty_pages && !token.after_empty && items.peek().is_some() {
        return Ok((Vec::new(), Some(Token { after_empty: true, ..token.clone() }.written())));
    }
    let length = length.min(knobs.page_length_max.max(1));
    let page: Vec<_> = items.by_ref().take(length).collect();
    let last = page.last().filter(|_| items.peek().is_some()).map(|(key, _)| key.clone());
    let next = match (last, knobs.goes_round) {
        (None, false) => None,
        (last, _) => Some(Token { after_empty: false, last }.written()),
    };
    Ok((page.into_iter().map(|(_, value)| value).collect(), next))
}

/// Where a list goes on: after the last key that was shown, so that what is added or removed meanwhile makes no page
/// lose an element.
#[derive(Clone, Default)]
struct Token {
    last: Option<String>,
    /// The page before was the empty one.
    after_empty: bool,
}

impl Token {
    fn of(input: &Document) -> Result<Self, Refusal> {
        Ok(input.text("nextToken").map(|token| Self::read(&token)).transpose()?.unwrap_or_default())
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::parameter("Invalid token");
        let (kind, key) = text.split_once('-').ok_or_else(invalid)?;
        let last = match key {
            "" => None,
            digits => Some(text_of_hex(digits).ok_or_else(invalid)?),
        };
        match kind {
            "page" => Ok(Self { last, after_empty: false }),
            "empty" => Ok(Self { last, after_empty: true }),
            _ => Err(invalid()),
        }
    }

    fn written(&self) -> String {
        let kind = if self.after_empty { "empty" } else { "page" };
        format!("{kind}-{}", hex(self.last.as_deref().unwrap_or_default().as_bytes()))
    }
}

/// `{"member": [texts], "nextToken": …}`.
fn listed(member: &str, (values, token): (Vec<String>, Option<String>)) -> String {
    let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
    let mut answer = Document::default();
    answer.set(member, array(&values));
    if let Some(token) = token {
        answer.set("nextToken", quoted(&token));
    }
    answer.to_json()
}

/// The last part of a name or ARN: clusters, services and tasks are named either way.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
