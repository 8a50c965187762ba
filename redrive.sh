#!/usr/bin/env bash
# Hands the events that wait in dead-letter queues to the guard again:
#
#   ./redrive.sh REGION FUNCTION QUEUE_URL...
#
# The stack's output RedriveCommand has it filled in. It needs AWS CLI v2 and jq, which CloudShell has, and the rights
# lambda:GetFunctionConcurrency and lambda:InvokeFunction on the function, sqs:ReceiveMessage and sqs:DeleteMessage on
# the queues, kms:Decrypt on the stack's key. SQS's own redrive does not help: it knows no Lambda function, and what
# Lambda keeps is a record with the event inside:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
#
# Nothing is lost. A message is deleted only after Lambda has accepted its event; what was not accepted, or is no
# event, stays, and can be read again after two minutes. One that is handed over twice does no harm: the guard looks at
# what is, whatever the event says. So numbers may come out of jq in another form.
# It ends: each message is tried once, and what came after the start (what failed again) is left.
set -euo pipefail
umask 077 # Events may hold the commands of containers.

if [ "${BASH_VERSINFO[0]}" -lt 4 ]; then
    echo "bash $BASH_VERSION is too old: run this in CloudShell, or with bash 4 or later" >&2
    exit 2
fi
if [ $# -lt 3 ]; then
    echo "usage: $0 REGION FUNCTION QUEUE_URL..." >&2
    exit 2
fi
export AWS_REGION=$1 AWS_PAGER=
function=$2
shift 2
began=$(jq -n 'now * 1000 | floor') # date has no milliseconds everywhere
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

concurrency=$(aws lambda get-function-concurrency --function-name "$function" --query ReservedConcurrentExecutions --output text)
if [ "$concurrency" = 0 ]; then
    echo "$function is stopped (reserved concurrency 0): each event would come straight back. Start it first." >&2
    exit 1
fi

# Whether Lambda accepts an event: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
accepts() {
    local status
    status=$(aws lambda invoke --function-name "$function" --invocation-type Event --payload "fileb://$1" \
        --query StatusCode --output text /dev/null </dev/null) && [ "$status" = 202 ]
}

left=0
declare -A tried
for queue in "$@"; do
    handed=0 newer=0 refusals=0
    while :; do
        aws sqs receive-message --queue-url "$queue" --max-number-of-messages 10 --wait-time-seconds 1 \
            --visibility-timeout 120 --attribute-names SentTimestamp --output json >"$folder/batch"
        accepted=() fresh=0
        while read -r place id sent; do
            [ -z "${tried[$id]:-}" ] || continue
            tried[$id]=1
            if ((sent >= began)); then # milliseconds since 1970
                newer=$((newer + 1))
                continue
            fi
            fresh=1
            if ! jq --argjson place "$place" '.Messages[$place].Body | fromjson
                    | if has("requestPayload") and has("requestContext") then .requestPayload else . end
                    | objects' "$folder/batch" >"$folder/event" 2>/dev/null || [ ! -s "$folder/event" ]; then
                echo "message $id is no event; it stays in $queue" >&2
                left=$((left + 1))
            elif accepts "$folder/event"; then
                accepted+=("$place") refusals=0
            else
                echo "message $id was not accepted; it stays in $queue" >&2
                left=$((left + 1)) refusals=$((refusals + 1))
            fi
            ((refusals < 3)) || break
        done < <(jq -r '.Messages // [] | to_entries[] | "\(.key) \(.value.MessageId) \(.value.Attributes.SentTimestamp)"' "$folder/batch")
        if [ ${#accepted[@]} -gt 0 ]; then
            jq -c '[.Messages as $all | $ARGS.positional[] | {Id: tostring, ReceiptHandle: $all[.].ReceiptHandle}]' \
                "$folder/batch" --jsonargs "${accepted[@]}" >"$folder/done"
            # shellcheck disable=SC2016 # JMESPath, not a command
            undeleted=$(aws sqs delete-message-batch --queue-url "$queue" --entries "file://$folder/done" \
                --query 'length(Failed || `[]`)' --output text)
            handed=$((handed + ${#accepted[@]})) left=$((left + undeleted))
        fi
        if ((refusals >= 3)); then
            echo "three in a row were not accepted: giving up" >&2
            exit 1
        fi
        [ "$fresh" = 1 ] || break
    done
    echo "$handed handed over from $queue; $newer left that came after this began"
done
[ "$left" = 0 ]
