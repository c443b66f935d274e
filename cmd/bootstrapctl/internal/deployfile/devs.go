package deployfile

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v4"
)

// devsUndone describes the keys of component fgs that the local platform
// ignores.
var devsUndone = map[string]string{
	"dependVersionList":   "dependencies are not added",
	"vpcId":               "there is no private network",
	"funcVpc":             "there is no private network",
	"agencyName":          "the function gets no credentials of an agency",
	"xrole":               "the function gets no credentials of an agency",
	"mountConfig":         "file systems are not mounted",
	"initializerHandler":  "the initializer is not called",
	"concurrentNum":       "an instance serves one event at a time",
	"enableDynamicMemory": "memory is not dynamic",
	"encryptedUserData":   "encrypted variables are not set",
}

// devs reads an s.yaml of Serverless Devs with component fgs
// (support.huaweicloud.com/devg-functiongraph/functiongraph_02_0728.html).
func (r *reader) devs() {
	r.file.Format = "component fgs"
	for _, p := range r.root.get("services").or(r.root.get("resources")).pairs() {
		component := p.get("component")
		name, _, _ := strings.Cut(path.Base(component.text("")), "@")
		switch {
		case name == "fgs":
			r.devsFunction(p)
		case !component.given():
			r.complain(p.line, "service %s has no component: expected component: fgs", p.key)
		case strings.HasPrefix(name, "fc"):
			r.complain(component.line(), "service %s: component %s is Alibaba's Function Compute, where bootstrap is a web server on port 9000, not a runtime for events", p.key, name)
		default:
			r.complain(component.line(), "service %s: cannot read component %q: expected component: fgs", p.key, name)
		}
	}
}

// devsFunction reads one service. Memory and time are the defaults of the component.
func (r *reader) devsFunction(p pair) {
	props := p.get("props")
	function := props.get("function")
	f := Function{Platform: "functiongraph", Line: p.line}
	f.Name = function.get("functionName").text(p.key)
	f.Runtime = r.runtime(f, function.get("runtime"), "Node.js14.18")
	r.uri(&f, function)
	f.Handler = function.get("handler").text("index.handler")
	f.MemoryMB = function.get("memorySize").number(1, 128)
	f.Timeout = function.get("timeout").seconds(30)
	f.InitTimeout = function.get("initializerTimeout").seconds(0)
	f.Env = r.env(function.get("userData").or(function.get("environmentVariables")))
	f.Concurrency = r.instances(f, function.get("concurrency"))
	r.undone(f, function, devsUndone)
	r.devsTriggers(&f, props)
	r.add(f)
}

// uri reads code.codeUri.
func (r *reader) uri(f *Function, function value) {
	kind := function.get("codeType")
	source := function.get("code", "codeUri")
	switch text := kind.text("zip"); {
	case text == "obs":
		r.remote(*f, kind, "OBS", "codeType to zip and code.codeUri")
	case text != "zip":
		r.complain(kind.line(), "function %s: cannot run code of type %s: set codeType: zip", f.Name, text)
	case !source.given():
		r.complain(f.Line, "function %s has no code.codeUri: set it to a folder or a zip", f.Name)
	default:
		f.Code = r.code(*f, source)
	}
}

// instances reads a limit of instances, where -1 means no limit.
func (r *reader) instances(f Function, v value) int {
	if text, ok := v.scalar(); ok && text == "-1" {
		return 0
	}
	return r.reserved(f, v)
}

// reserved reads a limit of instances. It notes 0, which means no limit here.
func (r *reader) reserved(f Function, v value) int {
	n := v.number(0, 0)
	if n == 0 && v.given() {
		r.note(v.line(), "function %s: a concurrency of 0 disables the function in the cloud, but not here", f.Name)
	}
	return n
}

// devsTriggers reads trigger, or the list triggers.
func (r *reader) devsTriggers(f *Function, props value) {
	if one := props.get("trigger"); one.is(yaml.MappingNode) {
		r.devsTrigger(f, one)
	} else {
		for _, trigger := range one.or(props.get("triggers")).items() {
			r.devsTrigger(f, trigger)
		}
	}
}

// devsTrigger reads a trigger (huaweicloud's component fgs, docs/zh/triggers.md).
func (r *reader) devsTrigger(f *Function, v value) {
	data := v.get("eventData")
	t := Trigger{
		Name:    data.get("name").text(f.Name),
		Enabled: v.get("status").text("ACTIVE") == "ACTIVE",
		Line:    v.line(),
	}
	switch kind := v.get("triggerTypeCode").text(""); kind {
	case "TIMER":
		t.Argument = data.get("userEvent").message()
		r.timer(f, t, data.get("schedule"))
	case "APIG", "DEDICATEDGATEWAY":
		t.Gateway, t.Integrated = "functiongraph", true
		t.Path = data.get("path").text(t.Name)
		t.Method = data.get("reqMethod").or(data.get("req_method")).text("ANY")
		t.Stage = data.get("envName").or(data.get("env_name")).text("RELEASE")
		r.http(f, t)
	default:
		r.ignored(f, v.line(), kind)
	}
}
