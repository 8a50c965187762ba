//! What tests plan, set up and ask, past the wire. Set-up goes by the same rules as calls, and leaves the same events.
//! Nothing here is a call: the log stays as it is.

use std::sync::Arc;
use std::time::Duration;

use super::super::calls::{Call, Service};
use super::super::faults::{Calls, Fault, When};
use super::super::http::Request;
use super::super::trail;
use super::document::{Document, quoted};
use super::{GUARD, State, ecs};

impl State {
    /// Plans a fault.
    pub fn inject(&mut self, fault: Fault) {
        self.plans.inject(fault);
    }

    /// Does something just before the first of these calls is worked on.
    pub fn before(&mut self, calls: Calls, deed: impl Fn(&mut Self) + Send + Sync + 'static) {
        self.plans.hook(When::Before, calls, Arc::new(deed));
    }

    /// Does something just after the first of these calls was worked on, before it is answered.
    pub fn after(&mut self, calls: Calls, deed: impl Fn(&mut Self) + Send + Sync + 'static) {
        self.plans.hook(When::After, calls, Arc::new(deed));
    }

    /// Forgets faults and hooks.
    pub fn heal(&mut self) {
        self.plans.clear();
    }

    /// Forgets faults; what others do between calls, they go on doing.
    pub fn heal_faults(&mut self) {
        self.plans.clear_faults();
    }

    /// Forgets the faults that were planned for this resource alone.
    pub fn heal_faults_on(&mut self, resource: &str) {
        self.plans.clear_faults_on(resource);
    }

    /// How many of the planned faults are still to strike.
    pub fn faults_left(&self) -> usize {
        self.plans.faults_left()
    }

    /// Every call with a valid signature so far.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// How often that operation was called.
    pub fn count(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| call.operation == operation).count()
    }

    /// How many requests have come so far, forged ones included: whether anything goes on.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Forgets the calls so far, so that a test counts from here.
    pub fn forget_calls(&mut self) {
        self.calls.clear();
    }

    /// Numbers requests on from here, so that what answers and events say does not depend on how many came before.
    pub fn number_requests_from(&mut self, requests: u64) {
        self.requests = requests;
    }

    /// The `EventBridge` event of every ECS write so far, failed ones included, oldest first.
    pub fn trail(&self) -> &[String] {
        &self.trail
    }

    /// The `EventBridge` event of every deployment that began, ended or failed so far, oldest first. A list of its own,
    /// since CloudTrail's are other events.
    pub fn deployment_events(&self) -> &[String] {
        &self.deployment_events
    }

    /// Takes the events of both kinds that were not taken yet: the trail's, then those of deployments.
    pub fn take_events(&mut self) -> Vec<String> {
        let mut events = std::mem::take(&mut self.trail);
        events.append(&mut self.deployment_events);
        events
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// Registers a task definition past the wire, by the same rules; its event is in the trail. Answers `web:12`.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn register(&mut self, principal: &str, input: &str) -> String {
        let body = self.directly("RegisterTaskDefinition", principal, input);
        let answer = Document::parse(body.as_bytes()).expect("an object");
        let arn = answer.read::<Document>("taskDefinition").and_then(|it| it.text("taskDefinitionArn"));
        arn.and_then(|arn| Some(arn.rsplit_once('/')?.1.to_owned())).expect("an ARN")
    }

    /// Whether ECS would take that for a task definition.
    pub fn would_register(&self, principal: &str, input: &str) -> bool {
        let document = Document::parse(input.as_bytes());
        let answer = |document| self.ecs.clone().call("RegisterTaskDefinition", &document, &self.caller(principal));
        document.is_some_and(|document| answer(document).is_ok())
    }

    /// Registers a daemon task definition past the wire; its event is in the trail. Answers its ARN.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn register_daemon(&mut self, principal: &str, input: &str) -> String {
        let body = self.directly("RegisterDaemonTaskDefinition", principal, input);
        Document::parse(body.as_bytes()).and_then(|answer| answer.text("daemonTaskDefinitionArn")).expect("an ARN")
    }

    /// Deregisters a revision, `web:12`, past the wire.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn deregister(&mut self, principal: &str, revision: &str) {
        let input = format!("{{\"taskDefinition\":{}}}", quoted(revision));
        self.directly("DeregisterTaskDefinition", principal, &input);
    }

    /// What Describe would answer now about a revision that is not gone, tags included, whoever may see it.
    pub fn described(&self, revision: &str) -> Option<String> {
        let family = revision.split(':').next()?;
        let found = self.ecs.revision(revision)?;
        let shown = found.shown(family, &self.ecs.knobs, &self.caller(GUARD));
        Some(format!("{{\"taskDefinition\":{shown},\"tags\":{}}}", found.shown_tags()))
    }

    /// Makes a topic and answers its ARN.
    pub fn topic(&mut self, name: &str) -> String {
        self.sns.topic(&self.home, name)
    }

    /// Writes an object past the wire, whatever stands there; the bucket is made if need be.
    pub fn put_object(&mut self, principal: &str, bucket: &str, key: &str, body: &[u8]) {
        let caller = self.caller(principal);
        self.s3.put(bucket, key, body, &caller);
    }

    /// Deletes an object past the wire: a marker, as in every versioned bucket.
    pub fn delete_object(&mut self, principal: &str, bucket: &str, key: &str) {
        let caller = self.caller(principal);
        self.s3.mark_deleted(bucket, key, &caller);
    }

    /// Makes a service past the wire, by the same rules; its first deployment is in progress, and its event in the trail.
    /// The cluster is made if need be.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn create_service(&mut self, principal: &str, cluster: &str, service: &str, task_definition: &str) {
        let input = format!("{{\"taskDefinition\":{}}}", quoted(task_definition));
        self.create_service_with(principal, cluster, service, &input);
    }

    /// The same with a request of which only the names are missing: controller, strategy, circuit breaker.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn create_service_with(&mut self, principal: &str, cluster: &str, service: &str, input: &str) {
        self.ecs.cluster(cluster);
        let mut input = Document::parse(input.as_bytes()).expect("the input is a JSON object");
        input.set("cluster", quoted(cluster));
        input.set("serviceName", quoted(service));
        self.directly("CreateService", principal, &input.to_json());
    }

    /// Points a service at a revision past the wire, by the same rules; its event is in the trail.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn update_service(&mut self, principal: &str, cluster: &str, service: &str, task_definition: &str) {
        let mut input = Document::default();
        for (member, value) in [("cluster", cluster), ("service", service), ("taskDefinition", task_definition)] {
            input.set(member, quoted(value));
        }
        self.directly("UpdateService", principal, &input.to_json());
    }

    /// Deploys a service anew on the revision that it is on, past the wire; its event is in the trail.
    ///
    /// # Panics
    /// When ECS would refuse it.
    pub fn deploy_anew(&mut self, principal: &str, cluster: &str, service: &str, task_definition: &str) {
        let mut input = Document::parse(br#"{"forceNewDeployment":true}"#).expect("an object");
        for (member, value) in [("cluster", cluster), ("service", service), ("taskDefinition", task_definition)] {
            input.set(member, quoted(value));
        }
        self.directly("UpdateService", principal, &input.to_json());
    }

    /// A service's newest deployment reaches its goal. Answers whether it did: one that is at its end does not, nor one
    /// that was pushed into a rollback.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn complete_deployment(&mut self, cluster: &str, service: &str) -> bool {
        let now = self.now;
        let ended = self.ecs.turn(cluster, service, |it| it.succeed(now)).expect("a service");
        self.tell_news();
        ended
    }

    /// The tasks of a service's newest deployment do not come up. Its circuit breaker ends it and rolls back, if it is
    /// told so and anything is COMPLETED. Answers whether anything ended: without a breaker nothing does.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn fail_deployment(&mut self, cluster: &str, service: &str) -> bool {
        let now = self.now;
        let ended = self.ecs.turn(cluster, service, |it| it.fail(now)).expect("a service");
        self.tell_news();
        ended
    }

    /// The `EventBridge` event about a service's newest deployment, like `SERVICE_DEPLOYMENT_COMPLETED`; it happens to
    /// nobody.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn deployment_event(&self, cluster: &str, service: &str, name: &'static str) -> String {
        let found = self.ecs.service(cluster, service).expect("a service");
        let deployment = found.deployments.first().map_or("", |deployment| &deployment.id).to_owned();
        let reason = format!("ECS deployment {deployment}.");
        trail::deployment_event(&self.caller(GUARD), cluster, service, &ecs::News { deployment, name, reason }, 0)
    }

    fn directly(&mut self, operation: &str, principal: &str, input: &str) -> String {
        let headers = vec![("x-amz-target".to_owned(), format!("{}{operation}", ecs::TARGET))];
        let request = Request { body: input.as_bytes().to_vec(), headers, ..Request::default() };
        let call = Self::call(Service::Ecs, &request, principal);
        let caller = self.caller(principal);
        let document = Document::parse(input.as_bytes()).expect("the input is a JSON object");
        let body = self.ecs.call(operation, &document, &caller).expect("ECS accepts it");
        self.tell_news();
        self.requests += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012}", self.requests);
        self.trail.push(trail::event(&caller, &call, &request, Ok(body.as_bytes()), &request_id, self.redaction));
        body
    }
}
