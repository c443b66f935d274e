package deployfile

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// tencentEvent reads an event of Tencent's plug-in. An event is enabled by
// default (github.com/serverless-tencent/serverless-tencent-scf,
// docs/en/yaml.md).
func (r *reader) tencentEvent(f *Function, event value) {
	for _, p := range event.pairs() {
		parameters := p.get("parameters")
		t := Trigger{Name: p.get("name").text(p.key), Enabled: parameters.get("enable").flag(true), Line: p.line}
		switch p.key {
		case "timer":
			t.Argument = parameters.get("argument").message()
			r.timer(f, t, parameters.get("cronExpression"))
		case "apigw":
			t.Gateway, t.Path = "scf", f.Name // the only path that SCF gives to such a trigger
			t.Method = parameters.get("httpMethod").text("ANY")
			t.Stage = parameters.get("stageName").text("release")
			t.Integrated = parameters.get("integratedResponse").flag(false)
			r.http(f, t)
		default:
			r.ignored(f, p.line, p.key)
		}
	}
}

// huaweiEvent reads an event of Huawei's plug-in: apigw
// (support.huaweicloud.com/devg-functiongraph/functiongraph_02_0742.html), or a
// trigger as in an s.yaml.
func (r *reader) huaweiEvent(f *Function, event value) {
	if event.get("triggerTypeCode").given() {
		r.devsTrigger(f, event)
		return
	}
	for _, p := range event.pairs() {
		if p.key != "apigw" {
			r.ignored(f, p.line, p.key)
			continue
		}
		r.http(f, Trigger{
			Name:       p.get("name").text(p.key),
			Enabled:    true,
			Line:       p.line,
			Gateway:    "functiongraph",
			Path:       p.get("path").text(f.Name),
			Method:     p.get("req_method").text("GET"),
			Stage:      p.get("env_name").text("RELEASE"),
			Integrated: true,
		})
	}
}

// awsEvent reads an event of the framework itself
// (serverless.com/framework/docs/providers/aws/guide/events).
func (r *reader) awsEvent(f *Function, event value) {
	for _, p := range event.pairs() {
		t := Trigger{Name: p.key, Enabled: true, Line: p.line, Integrated: true}
		switch p.key {
		case "http":
			t.Gateway, t.Stage = "aws-v1", r.settings().get("stage").text("dev")
			r.route(f, t, p.value)
		case "httpApi":
			t.Gateway, t.Stage = "aws-v2", AnyPath
			r.route(f, t, p.value)
		case "schedule":
			r.awsSchedule(f, t, p.value)
		default:
			r.ignored(f, p.line, p.key)
		}
	}
}

// route reads "GET /path", "*", or a mapping of path and method.
func (r *reader) route(f *Function, t Trigger, v value) {
	if v.is(yaml.MappingNode) {
		t.Method, t.Path = v.get("method").text("ANY"), v.get("path").text("/")
	} else {
		method, path, ok := strings.Cut(v.text(""), " ")
		if !ok {
			method, path = "ANY", method
		}
		t.Method, t.Path = method, strings.TrimSpace(path)
	}
	if t.Path == "*" {
		t.Path = AnyPath
	}
	r.http(f, t)
}

// awsSchedule reads an expression, or a mapping with one or more of them.
func (r *reader) awsSchedule(f *Function, t Trigger, v value) {
	if !v.is(yaml.MappingNode) {
		r.timer(f, t, v)
		return
	}
	t.Name = v.get("name").text(t.Name)
	t.Enabled = v.get("enabled").flag(true)
	t.Argument = v.get("input").message()
	if zone := v.get("timezone"); zone.given() {
		r.note(zone.line(), "function %s: the time zone is not applied: the schedule is in UTC", f.Name)
	}
	rates := v.get("rate")
	if !rates.is(yaml.SequenceNode) {
		r.timer(f, t, rates)
		return
	}
	for _, rate := range rates.items() {
		r.timer(f, t, rate)
	}
}
