//! Asks each part how it is. The parts are asked at the same time; what cannot be asked stands in its place as the reason.

use ecs_privileged_guard::domain::pipe::alarms::KIND as ALARM;
use ecs_privileged_guard::domain::pipe::functions::GUARD;
use ecs_privileged_guard::domain::pipe::stack::Resource;
use ecs_privileged_guard::domain::pipe::{Pipe, Seen};

use crate::exit::Exit;
use crate::output::Output;
use crate::session::{Guard, not_ours};
use crate::status::last_report;
use crate::trouble::Trouble;

const RULE: &str = "AWS::Events::Rule";
const FUNCTION: &str = "AWS::Lambda::Function";
const QUEUE: &str = "AWS::SQS::Queue";

/// All that can be seen of the pipe.
pub(super) async fn look(guard: &Guard, output: Output) -> Result<Pipe, Trouble> {
    let Some(stack) = guard.stack() else {
        let what = "what there is to look at is not known";
        return Err(Trouble::new(Exit::Usage, what).hint("doctor asks the stack: --stack instead of --bucket"));
    };
    let topic = stack.output("AlertTopic").ok_or_else(|| not_ours(&stack.name, "AlertTopic"))?;
    output.progress(&format!("{} is asked what it has made", stack.name));
    let eyes = guard.session.examiner(guard.home.clone());
    let resources = eyes.resources(&stack.name).await;
    output.progress("each part is asked how it is");
    let rules = async {
        let mut rules = Vec::new();
        for it in of_kind(&resources, RULE) {
            rules.push(eyes.rule(&it.logical, &it.physical).await);
        }
        rules
    };
    let functions = async {
        let mut functions = Vec::new();
        for it in of_kind(&resources, FUNCTION) {
            functions.push(eyes.function(&it.logical, &it.physical, it.logical == GUARD).await);
        }
        functions
    };
    let queues = async {
        let mut queues = Vec::new();
        for it in of_kind(&resources, QUEUE) {
            queues.push(eyes.queue(&it.logical, &it.physical).await);
        }
        queues
    };
    let alarms = of_kind(&resources, ALARM).map(|it| it.physical.clone()).collect::<Vec<_>>();
    let (trails, rules, functions, subscriptions, queues, alarms, last_report) = tokio::join!(
        eyes.trails(),
        rules,
        functions,
        eyes.subscriptions(topic),
        queues,
        eyes.alarms(&alarms),
        last_report(guard),
    );
    Ok(Pipe {
        home: guard.home.clone(),
        typed: guard.typed.clone(),
        stack: stack.clone(),
        trails,
        rules,
        functions,
        topic: (topic.to_owned(), subscriptions),
        queues,
        last_report,
        alarms,
        resources,
    })
}

/// Those of a kind that are there.
fn of_kind<'a>(resources: &'a Seen<Vec<Resource>>, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
    resources.iter().flatten().filter(move |it| it.kind == kind && !it.physical.is_empty())
}
