// Package events holds sample events of the triggers of each platform.
package events

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"

	"bootstrap/protocol/gateway"
)

// A Template is an event that a trigger of a platform sends.
type Template struct {
	Platform, Name string
	Text           string // describes the event for people

	http *trigger // nil if the event is a file in data
}

// All lists the templates. The files in data have the fields of the samples in the
// vendors' documents: 583/31927 of Tencent, functiongraph_02_0102 of Huawei, and
// Lambda's developer guide.
var All = []Template{
	{"scf", "hello", "the test event of the console", nil},
	{"scf", "apigw", "an HTTP request through API Gateway", &trigger{gateway: gateway.SCF, host: "service-00000000-1250000000.gz.apigw.tencentcs.com", stage: "release"}},
	{"scf", "url", "an HTTP request to a function URL", &trigger{gateway: gateway.SCFURL, host: "1250000000-00000000-ap-guangzhou.scf.tencentcs.com"}},
	{"scf", "timer", "a timer has fired", nil},
	{"scf", "cos-post", "an object was uploaded to COS", nil},
	{"scf", "cos-delete", "an object in COS was deleted", nil},
	{"scf", "ckafka", "two messages from CKafka", nil},
	{"scf", "cmq", "a message from a CMQ topic", nil},

	{"functiongraph", "hello", "the test event of the console", nil},
	{"functiongraph", "apig", "an HTTP request through APIG", &trigger{gateway: gateway.FunctionGraph, host: "00000000.apig.cn-north-4.huaweicloudapis.com", stage: "RELEASE", forwarded: true}},
	{"functiongraph", "timer", "a timer has fired", nil},
	{"functiongraph", "obs", "an object was uploaded to OBS", nil},
	{"functiongraph", "smn", "a message from an SMN topic", nil},
	{"functiongraph", "kafka", "two messages from Kafka", nil},

	{"lambda", "hello", "the test event of the console", nil},
	{"lambda", "apigw-v1", "an HTTP request through API Gateway, format 1.0", &trigger{gateway: gateway.AWSv1, host: "abcdefghij.execute-api.us-east-1.amazonaws.com", stage: "prod", proxy: true, forwarded: true}},
	{"lambda", "apigw-v2", "an HTTP request through API Gateway, format 2.0", &trigger{gateway: gateway.AWSv2, host: "abcdefghij.execute-api.us-east-1.amazonaws.com", stage: "$default", forwarded: true}},
	{"lambda", "url", "an HTTP request to a function URL", &trigger{gateway: gateway.AWSv2, host: "abcdefghij.lambda-url.us-east-1.on.aws", stage: "$default", forwarded: true}},
	{"lambda", "alb", "an HTTP request through a load balancer", &trigger{gateway: gateway.ALB, host: "hello-000000000.us-east-1.elb.amazonaws.com", forwarded: true}},
	{"lambda", "alb-multi", "the same, with multi-value headers", &trigger{gateway: gateway.ALBMulti, host: "hello-000000000.us-east-1.elb.amazonaws.com", forwarded: true}},
	{"lambda", "schedule", "a rule of EventBridge has fired", nil},
	{"lambda", "sqs", "a message from SQS", nil},
	{"lambda", "sns", "a message from SNS", nil},
	{"lambda", "s3", "an object was uploaded to S3", nil},
	{"lambda", "dynamodb", "an item was added to a table of DynamoDB", nil},
	{"lambda", "kinesis", "a record from Kinesis", nil},
}

//go:embed data
var files embed.FS

// Of returns the templates of a platform.
func Of(platform string) (all []Template) {
	for _, t := range All {
		if t.Platform == platform {
			all = append(all, t)
		}
	}
	return all
}

// Event returns the event as indented JSON. Only an HTTP request can be
// changed.
func (t *Template) Event(changed Request) ([]byte, error) {
	if t.http != nil {
		return t.http.event(changed)
	}
	if changed != (Request{}) {
		return nil, fmt.Errorf("cannot change the event %s: it is not an HTTP request", t.Name)
	}
	return files.ReadFile(fmt.Sprintf("data/%s/%s.json", t.Platform, t.Name))
}

// indent returns indented JSON.
func indent(text []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
